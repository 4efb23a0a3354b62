using Envoy.Config.Route.V3;
using Envoy.Extensions.Retry.Host.PreviousHosts.V3;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Translation;

internal static class RetryTranslation
{
    private const string SafeReasons = "connect-failure,refused-stream,unavailable,cancelled";
    private const string StatusCodes = ",retriable-status-codes";

    private const uint DefaultRetries = 2;
    private const int HostSelectionAttempts = 5;

    /// <summary>What Istio does where nobody says otherwise: twice more, when the request cannot have had an effect.</summary>
    public static RetryPolicy Default() => Policy(DefaultRetries, SafeReasons + StatusCodes);

    /// <summary>Null where the rule wants none.</summary>
    public static RetryPolicy? Translate(RouteRule rule)
    {
        if (rule.Retry is not { } retry)
        {
            return Default();
        }

        if (retry.Attempts == 0)
        {
            return null;
        }

        RetryPolicy policy = Policy((uint)retry.Attempts, retry.Codes.IsEmpty ? SafeReasons : SafeReasons + StatusCodes);
        policy.RetriableStatusCodes.Add(retry.Codes.Select(code => (uint)code));
        if (retry.Backoff is { } backoff && backoff > TimeSpan.Zero)
        {
            policy.RetryBackOff = new RetryPolicy.Types.RetryBackOff { BaseInterval = backoff.ToDuration() };
        }

        if (rule.Timeouts.BackendRequest is { } perTry && perTry > TimeSpan.Zero)
        {
            policy.PerTryTimeout = perTry.ToDuration();
        }

        return policy;
    }

    /// <summary>
    /// The limit of the whole request; zero for none. A rule without retries of its own is tried again only where the first try had no
    /// effect, so its limit for one try is the limit of the request.
    /// </summary>
    public static TimeSpan Timeout(RouteRule rule)
    {
        TimeSpan request = rule.Timeouts.Request ?? TimeSpan.Zero;
        TimeSpan perTry = rule.Timeouts.BackendRequest ?? TimeSpan.Zero;
        return rule.Retry is null or { Attempts: 0 } && perTry > TimeSpan.Zero ? perTry : request;
    }

    private static RetryPolicy Policy(uint retries, string reasons) => new()
    {
        RetryOn = reasons,
        NumRetries = retries,
        HostSelectionRetryMaxAttempts = HostSelectionAttempts,
        RetryHostPredicate =
        {
            new RetryPolicy.Types.RetryHostPredicate
            {
                Name = "envoy.retry_host_predicates.previous_hosts",
                TypedConfig = ProtoValues.Pack(new PreviousHostsPredicate()),
            },
        },
    };
}
