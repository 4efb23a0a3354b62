using System.Diagnostics.Metrics;

namespace Waypoint.Proxy.Filters.LocalRateLimit;

/// <summary>Counts requests over a limit, by chain and whether the limit held.</summary>
internal sealed class LocalRateLimitMetrics : IDisposable
{
    public const string MeterName = "Waypoint.LocalRateLimit";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _limited;

    public LocalRateLimitMetrics() =>
        _limited = _meter.CreateCounter<long>("waypoint_local_rate_limited_total", null, "Requests over a local rate limit.");

    public void CountLimited(string chain, bool isEnforced) =>
        _limited.Add(1, new KeyValuePair<string, object?>("chain", chain), new("enforced", isEnforced ? "true" : "false"));

    public void Dispose() => _meter.Dispose();
}
