using System.Diagnostics.Metrics;

namespace Waypoint.Proxy.Filters.Rbac;

/// <summary>Counts verdicts by chain and policy; <c>none</c> is the policy when none matched.</summary>
internal sealed class RbacMetrics : IDisposable
{
    public const string MeterName = "Waypoint.Rbac";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _allowed;
    private readonly Counter<long> _denied;
    private readonly Counter<long> _shadowAllowed;
    private readonly Counter<long> _shadowDenied;

    public RbacMetrics()
    {
        _allowed = _meter.CreateCounter<long>("waypoint_rbac_allowed_total", null, "Requests and connections that access rules let pass.");
        _denied = _meter.CreateCounter<long>("waypoint_rbac_denied_total", null, "Requests and connections that access rules did not let pass.");
        _shadowAllowed = _meter.CreateCounter<long>("waypoint_rbac_shadow_allowed_total", null, "Requests and connections that rules on trial would let pass.");
        _shadowDenied = _meter.CreateCounter<long>("waypoint_rbac_shadow_denied_total", null, "Requests and connections that rules on trial would not let pass.");
    }

    public void Count(AccessVerdict verdict, string chain) => Add(verdict.Allowed ? _allowed : _denied, verdict, chain);

    public void CountShadow(AccessVerdict verdict, string chain) => Add(verdict.Allowed ? _shadowAllowed : _shadowDenied, verdict, chain);

    public void Dispose() => _meter.Dispose();

    private static void Add(Counter<long> counter, AccessVerdict verdict, string chain) =>
        counter.Add(1, new KeyValuePair<string, object?>("chain", chain), new("policy", verdict.Policy ?? "none"));
}
