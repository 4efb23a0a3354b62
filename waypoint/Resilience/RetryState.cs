using Microsoft.Extensions.Primitives;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Resilience;

internal enum RetryVerdict
{
    /// <summary>The policy does not ask for another try.</summary>
    NotWanted,

    /// <summary>Another try is to be made; the budget has been charged for it.</summary>
    Retry,

    /// <summary>The policy asks for it, but its number of retries is used up (URX).</summary>
    LimitExceeded,

    /// <summary>The policy asks for it, but the cluster's budget is spent (UO).</summary>
    Overflow,

    /// <summary>The policy asks for it, but the body is gone.</summary>
    BodyGone,
}

/// <summary>The retries of one request: what its policy wants, how many are left, and how long to wait before the next.</summary>
internal sealed class RetryState(RetryPolicy policy, ClusterLoad load, CircuitBreakers limits) : IDisposable
{
    private int _used;
    private bool _charged;

    public RetryPolicy Policy { get; } = policy;

    /// <summary>Judges a try that brought no answer.</summary>
    public RetryVerdict Judge(UpstreamFailure failure, bool canReplay) => Decide(Wants(failure.Kind), canReplay);

    /// <summary>Judges the head of an answer.</summary>
    public RetryVerdict Judge(int status, StringValues grpcStatus, bool canReplay) =>
        Decide(WantsStatus(status) || WantsGrpc(grpcStatus), canReplay);

    /// <summary>The time to wait before the next try: full jitter below an interval that doubles from try to try, as Envoy does it.</summary>
    public TimeSpan BackOff()
    {
        var ceiling = Policy.BaseBackOff.TotalMilliseconds * Math.Pow(2, _used - 1);
        return TimeSpan.FromMilliseconds(Random.Shared.NextDouble() * Math.Min(ceiling, Policy.MaxBackOff.TotalMilliseconds));
    }

    public void Dispose() => Release();

    private RetryVerdict Decide(bool wanted, bool canReplay)
    {
        Release();
        if (!wanted)
        {
            return RetryVerdict.NotWanted;
        }

        if (_used >= Policy.Retries)
        {
            return RetryVerdict.LimitExceeded;
        }

        if (!canReplay)
        {
            return RetryVerdict.BodyGone;
        }

        if (!load.TryStartRetry(limits))
        {
            return RetryVerdict.Overflow;
        }

        _charged = true;
        _used++;
        return RetryVerdict.Retry;
    }

    // A retry counts as under way until its own outcome is judged.
    private void Release()
    {
        if (_charged)
        {
            _charged = false;
            load.EndRetry();
        }
    }

    private bool Wants(UpstreamFailureKind kind)
    {
        const RetryOn AnyReset = RetryOn.Reset | RetryOn.ServerError5xx | RetryOn.GatewayError;
        return kind switch
        {
            UpstreamFailureKind.Overflow or UpstreamFailureKind.Timeout or UpstreamFailureKind.IdleTimeout => false,
            _ when Has(AnyReset) => true,
            UpstreamFailureKind.Connect or UpstreamFailureKind.ConnectTimeout =>
                Has(RetryOn.ConnectFailure | RetryOn.ResetBeforeRequest),
            UpstreamFailureKind.RefusedStream => Has(RetryOn.RefusedStream),

            // Gateway API asks for a retry after a backend timeout where 504 is among the codes; Envoy itself makes none.
            UpstreamFailureKind.PerTryTimeout => WantsStatus(StatusCodes.Status504GatewayTimeout),
            _ => false,
        };
    }

    private bool Has(RetryOn condition) => (Policy.On & condition) != 0;

    private bool WantsStatus(int status) =>
        (Has(RetryOn.ServerError5xx) && status >= 500)
        || (Has(RetryOn.GatewayError) && status is 502 or 503 or 504)
        || (Has(RetryOn.Retriable4xx) && status == StatusCodes.Status409Conflict)
        || (Has(RetryOn.RetriableStatusCodes) && Policy.StatusCodes.Contains(status));

    private bool WantsGrpc(StringValues status) => status.Count == 1 && status[0] switch
    {
        "1" => Has(RetryOn.GrpcCancelled),
        "4" => Has(RetryOn.GrpcDeadlineExceeded),
        "8" => Has(RetryOn.GrpcResourceExhausted),
        "13" => Has(RetryOn.GrpcInternal),
        "14" => Has(RetryOn.GrpcUnavailable),
        _ => false,
    };
}
