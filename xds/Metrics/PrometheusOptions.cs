using System.Diagnostics.Metrics;

namespace Waypoint.Xds.Metrics;

/// <summary>What is exported, and how.</summary>
public sealed record PrometheusOptions
{
    /// <summary>Which instruments are exported; by default those of Waypoint's own meters.</summary>
    public Func<Instrument, bool> Includes { get; init; } = static instrument => instrument.Meter.Name.StartsWith("Waypoint.", StringComparison.Ordinal);

    /// <summary>How many series a metric may have. Measurements that would make another one are dropped and counted in
    /// waypoint_metrics_dropped_measurements_total.</summary>
    public int MaximumSeries { get; init; } = 10_000;

    /// <summary>Upper bounds of a histogram's buckets, ascending, by the metric's name.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<double>> Buckets { get; init; } = new Dictionary<string, IReadOnlyList<double>>();

    /// <summary>The bounds of histograms whose instrument advises none and that <see cref="Buckets"/> does not name: Envoy's, in milliseconds.</summary>
    public IReadOnlyList<double> DefaultBuckets { get; init; } =
        [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000];
}
