using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Filters.Fault;

/// <summary>Delays and aborts a share of the requests (Envoy's <c>envoy.filters.http.fault</c>); what the route says takes the place of what the chain says.</summary>
/// <param name="name">The filter's name in its chain.</param>
/// <param name="chain">What the chain says; null when it says nothing.</param>
/// <param name="random">Decides who suffers.</param>
internal sealed class FaultFilter(string name, FaultSettings? chain, Random random) : IHttpFilter
{
    private int _active;

    public ValueTask<bool> OnRequestAsync(Exchange exchange)
    {
        var settings = exchange.Route?.FilterSettings.Find<FaultSettings>(name) ?? chain;
        if (settings is null || !AppliesTo(settings, exchange))
        {
            return new ValueTask<bool>(true);
        }

        var delay = DelayOf(settings, exchange.Context.Request.Headers);
        if (delay > TimeSpan.Zero)
        {
            return DelayAsync(exchange, settings, delay);
        }

        return AbortOf(settings, exchange.Context.Request.Headers) is { } abort
            ? AbortAsync(exchange, abort, isCounted: false)
            : new ValueTask<bool>(true);
    }

    private async ValueTask<bool> DelayAsync(Exchange exchange, FaultSettings settings, TimeSpan delay)
    {
        Count(exchange);
        exchange.Flags |= ResponseFlags.DelayInjected;
        try
        {
            await Task.Delay(delay, exchange.Context.RequestAborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            exchange.Flags |= ResponseFlags.DownstreamConnectionTermination;
            exchange.Details = "downstream_remote_disconnect";
            return false;
        }

        return AbortOf(settings, exchange.Context.Request.Headers) is not { } abort
            || await AbortAsync(exchange, abort, isCounted: true).ConfigureAwait(false);
    }

    private async ValueTask<bool> AbortAsync(Exchange exchange, (int Http, GrpcStatus? Grpc) status, bool isCounted)
    {
        if (!isCounted)
        {
            Count(exchange);
        }

        await LocalReply.SendAsync(
            exchange, status.Http, "fault filter abort", ResponseFlags.FaultInjected, "fault_filter_abort", status.Grpc).ConfigureAwait(false);
        return false;
    }

    // Until the request is over, not only until it has suffered: Envoy's way to count.
    private void Count(Exchange exchange)
    {
        Interlocked.Increment(ref _active);
        exchange.Context.Response.OnCompleted(
            static filter =>
            {
                Interlocked.Decrement(ref ((FaultFilter)filter)._active);
                return Task.CompletedTask;
            },
            this);
    }

    private bool AppliesTo(FaultSettings settings, Exchange exchange)
    {
        if ((uint)Volatile.Read(ref _active) >= settings.MaxActiveFaults)
        {
            return false;
        }

        // The share of a weighted split is drawn later, so of a split only one that goes nowhere else is that cluster's.
        if (settings.UpstreamCluster is { } cluster
            && !(exchange.Route?.Action is ForwardAction forward && forward.Clusters.Shares.All(share => share.Cluster.Name == cluster)))
        {
            return false;
        }

        if (settings.DownstreamNodes.Count > 0
            && !settings.DownstreamNodes.Contains(exchange.Context.Request.Headers[FaultHeaders.DownstreamNode].ToString()))
        {
            return false;
        }

        if (settings.Headers.Count == 0)
        {
            return true;
        }

        var head = exchange.MatchedHead();
        foreach (var match in settings.Headers)
        {
            if (!match.Matches(head))
            {
                return false;
            }
        }

        return true;
    }

    private TimeSpan DelayOf(FaultSettings settings, IHeaderDictionary headers)
    {
        if (settings.Delay is not { } delay)
        {
            return TimeSpan.Zero;
        }

        var (time, share) = delay.Time is { } configured
            ? (configured, delay.Share)
            : (FaultHeaders.Delay(headers) ?? TimeSpan.Zero, FaultHeaders.DelayShare(headers, delay.Share));
        return time > TimeSpan.Zero && Draw(share) ? time : TimeSpan.Zero;
    }

    private (int Http, GrpcStatus? Grpc)? AbortOf(FaultSettings settings, IHeaderDictionary headers)
    {
        if (settings.Abort is not { } abort)
        {
            return null;
        }

        var (http, grpc) = abort.IsByHeader ? FaultHeaders.Abort(headers) : (abort.HttpStatus, abort.GrpcStatus);
        var share = abort.IsByHeader ? FaultHeaders.AbortShare(headers, abort.Share) : abort.Share;
        if ((http is null && grpc is null) || !Draw(share))
        {
            return null;
        }

        // Envoy: a client that does not speak gRPC gets the code of gRPC as a 200.
        return (http ?? StatusCodes.Status200OK, (GrpcStatus?)grpc);
    }

    private bool Draw(Fraction share) => share.Includes((ulong)random.NextInt64());
}
