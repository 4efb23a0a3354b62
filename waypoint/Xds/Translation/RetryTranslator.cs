using Waypoint.Proxy.Resilience;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Retry policies.</summary>
internal static class RetryTranslator
{
    private const string PreviousHosts = "envoy.retry_host_predicates.previous_hosts";

    // Envoy: the longest back-off is ten times the first.
    private const int MaxBackOffFactor = 10;

    public static RetryPolicy? Translate(Envoy.Config.Route.V3.RetryPolicy? policy, TranslationScope scope)
    {
        if (policy is null)
        {
            return null;
        }

        using var part = scope.Enter("retry_policy");
        var on = Conditions(policy.RetryOn, scope);
        scope.UnsupportedIf(policy.RetryPriority is not null, "retry_priority");
        scope.UnsupportedIf(policy.PerTryIdleTimeout is not null, "per_try_idle_timeout");
        scope.UnsupportedIf(policy.RateLimitedRetryBackOff is not null, "rate_limited_retry_back_off");
        scope.UnsupportedIf(policy.RetriableHeaders.Count > 0, "retriable_headers");
        scope.UnsupportedIf(policy.RetriableRequestHeaders.Count > 0, "retriable_request_headers");
        scope.UnsupportedIf(policy.RetryOptionsPredicates.Count > 0, "retry_options_predicates");
        foreach (var predicate in policy.RetryHostPredicate)
        {
            scope.UnsupportedIf(predicate.Name != PreviousHosts, $"retry_host_predicate {predicate.Name}");
        }

        var retries = new RetryPolicy
        {
            On = on,
            Retries = (int)Math.Min(policy.NumRetries ?? 1, int.MaxValue),
            StatusCodes = policy.RetriableStatusCodes.Select(code => (int)code).ToHashSet(),
            PerTryTimeout = policy.PerTryTimeout.ToTime(TimeSpan.Zero, scope, "per_try_timeout"),
            AvoidPreviousHosts = policy.RetryHostPredicate.Any(p => p.Name == PreviousHosts),
            HostSelectionAttempts = (int)Math.Clamp(policy.HostSelectionRetryMaxAttempts, 1, int.MaxValue),
        };
        if (policy.RetryBackOff is not { } backOff)
        {
            return retries;
        }

        var first = backOff.BaseInterval.ToTime(TimeSpan.Zero, scope, "retry_back_off.base_interval");
        return first > TimeSpan.Zero
            ? retries with { BaseBackOff = first, MaxBackOff = backOff.MaxInterval.ToTime(first * MaxBackOffFactor, scope, "retry_back_off.max_interval") }
            : throw scope.Invalid("retry_back_off.base_interval", "must be more than 0");
    }

    private static RetryOn Conditions(string tokens, TranslationScope scope)
    {
        var on = RetryOn.None;
        foreach (var token in tokens.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var condition = token switch
            {
                "connect-failure" => RetryOn.ConnectFailure,
                "refused-stream" => RetryOn.RefusedStream,
                "reset" => RetryOn.Reset,
                "reset-before-request" => RetryOn.ResetBeforeRequest,
                "5xx" => RetryOn.ServerError5xx,
                "gateway-error" => RetryOn.GatewayError,
                "retriable-4xx" => RetryOn.Retriable4xx,
                "retriable-status-codes" => RetryOn.RetriableStatusCodes,
                "cancelled" => RetryOn.GrpcCancelled,
                "deadline-exceeded" => RetryOn.GrpcDeadlineExceeded,
                "internal" => RetryOn.GrpcInternal,
                "resource-exhausted" => RetryOn.GrpcResourceExhausted,
                "unavailable" => RetryOn.GrpcUnavailable,
                _ => RetryOn.None,
            };
            scope.UnsupportedIf(condition == RetryOn.None, $"retry_on {token}");
            on |= condition;
        }

        return on;
    }
}
