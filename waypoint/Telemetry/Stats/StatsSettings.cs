using System.Collections.Immutable;

namespace Waypoint.Proxy.Telemetry.Stats;

/// <summary>What a chain's <c>istio.stats</c> filter changes about the standard metrics. Immutable.</summary>
internal sealed class StatsSettings
{
    private readonly ImmutableArray<LabelRule>[] _rules = new ImmutableArray<LabelRule>[Enum.GetValues<IstioMetric>().Length];

    /// <param name="rules">In the configuration's order; without a metric a rule is for all.</param>
    public StatsSettings(IReadOnlyList<(IstioMetric? Metric, LabelRule Rule)> rules)
    {
        for (var i = 0; i < _rules.Length; i++)
        {
            _rules[i] = [.. rules.Where(rule => rule.Metric is null || (int)rule.Metric == i).Select(rule => rule.Rule)];
        }
    }

    /// <summary>Nothing is changed.</summary>
    public static StatsSettings Default { get; } = new([]);

    /// <summary>How often open connections tell what they carried; Istio's default is 15 s.</summary>
    public TimeSpan TcpReportingDuration { get; init; } = TimeSpan.FromSeconds(15);

    public ImmutableArray<LabelRule> RulesOf(IstioMetric metric) => _rules[(int)metric];
}
