using System.Globalization;
using System.Runtime.CompilerServices;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Filters.LocalRateLimit;

/// <summary>A configuration and its limits: the filter's own, or a route's.</summary>
internal sealed class RateLimitScope(RateLimitSettings settings, TimeProvider time)
{
    private readonly RateLimit _shared = new(settings, time);
    private readonly ConditionalWeakTable<IConnectionDestination, RateLimit> _byConnection = [];

    public RateLimitSettings Settings => settings;

    public RateLimit Of(Exchange exchange) =>
        settings.PerConnection ? _byConnection.GetValue(exchange.Destination, _ => new RateLimit(settings, time)) : _shared;
}

/// <summary>Limits how many requests this one proxy lets pass over time.</summary>
internal sealed class LocalRateLimitFilter(string name, RateLimitScope scope, LocalRateLimitMetrics metrics) : IHttpFilter
{
    private const string Reason = "local_rate_limited";

    public ValueTask<bool> OnRequestAsync(Exchange exchange)
    {
        var inForce = exchange.Route?.FilterSettings.Find<RateLimitScope>(name) ?? scope;
        var settings = inForce.Settings;
        if (!settings.Enabled.Includes((ulong)Random.Shared.NextInt64()))
        {
            return new ValueTask<bool>(true);
        }

        var passes = inForce.Of(exchange).TryPass(exchange, out var bucket);
        if (settings.TellsLimit && bucket is not null)
        {
            TellAtStart(exchange.Context.Response, bucket);
        }

        if (passes)
        {
            return new ValueTask<bool>(true);
        }

        var isEnforced = settings.Enforced.Includes((ulong)Random.Shared.NextInt64());
        metrics.CountLimited(exchange.Chain!.Name, isEnforced);
        if (isEnforced)
        {
            return RefuseAsync(exchange, settings);
        }

        settings.RequestHeadersWhenNotEnforced.ApplyTo(exchange.Context.Request.Headers, exchange);
        return new ValueTask<bool>(true);
    }

    private static async ValueTask<bool> RefuseAsync(Exchange exchange, RateLimitSettings settings)
    {
        exchange.Context.Response.Clear();
        exchange.Flags |= ResponseFlags.RateLimited;
        exchange.Details = Reason;
        settings.ResponseHeaders.ApplyTo(exchange.Context.Response.Headers, exchange);
        await LocalReply.SendAsync(
            exchange, settings.Status, "local_rate_limited"u8.ToArray(), settings.AsResourceExhausted ? GrpcStatus.ResourceExhausted : null)
            .ConfigureAwait(false);
        return false;
    }

    // By itself, so that only requests that need one pay for a closure.
    private static void TellAtStart(HttpResponse response, TokenBucket bucket) => response.OnStarting(() => Tell(response.Headers, bucket));

    private static Task Tell(IHeaderDictionary headers, TokenBucket bucket)
    {
        var (remaining, reset) = bucket.Look();
        headers["x-ratelimit-limit"] = bucket.MaxTokens.ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-remaining"] = remaining.ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-reset"] = reset.ToString(CultureInfo.InvariantCulture);
        return Task.CompletedTask;
    }
}
