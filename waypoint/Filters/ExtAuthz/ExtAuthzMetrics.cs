using System.Diagnostics.Metrics;

namespace Waypoint.Proxy.Filters.ExtAuthz;

/// <summary>Counts what authorisation services said, by chain.</summary>
internal sealed class ExtAuthzMetrics : IDisposable
{
    public const string MeterName = "Waypoint.ExtAuthz";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _asked;

    public ExtAuthzMetrics() => _asked = _meter.CreateCounter<long>(
        "waypoint_ext_authz_total", null, "Requests and connections that an authorisation service was asked about, by its answer.");

    /// <param name="chain">The chain.</param>
    /// <param name="outcome">The answer.</param>
    /// <param name="passed">Whether it passed; a failure may.</param>
    public void Count(string chain, AuthzOutcome outcome, bool passed) => _asked.Add(
        1,
        new KeyValuePair<string, object?>("chain", chain),
        new("result", outcome switch
        {
            AuthzOutcome.Allowed => "ok",
            AuthzOutcome.Denied => "denied",
            _ => passed ? "failure_mode_allowed" : "error",
        }));

    public void Dispose() => _meter.Dispose();
}
