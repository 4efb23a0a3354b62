using System.Diagnostics.Metrics;

namespace Waypoint.Xds.Metrics;

/// <summary>What a measurement does to its series.</summary>
internal enum MetricKind
{
    /// <summary>It is added, and never negative.</summary>
    Counter,

    /// <summary>It is added, and may be negative.</summary>
    UpDownCounter,

    /// <summary>It takes the place of the last one.</summary>
    Gauge,

    /// <summary>It is a total that is asked for at each scrape.</summary>
    ObservableCounter,

    /// <summary>It is a state that is asked for at each scrape.</summary>
    ObservableGauge,

    /// <summary>It is counted in a bucket.</summary>
    Histogram,
}

internal static class MetricKinds
{
    public static MetricKind Of(Instrument instrument)
    {
        var type = instrument.GetType().GetGenericTypeDefinition();
        return type == typeof(Counter<>) ? MetricKind.Counter
            : type == typeof(UpDownCounter<>) ? MetricKind.UpDownCounter
            : type == typeof(Histogram<>) ? MetricKind.Histogram
            : type == typeof(ObservableCounter<>) ? MetricKind.ObservableCounter
            : instrument.IsObservable ? MetricKind.ObservableGauge
            : MetricKind.Gauge;
    }

    /// <summary>The format's word.</summary>
    public static string TypeOf(MetricKind kind) => kind switch
    {
        MetricKind.Counter or MetricKind.ObservableCounter => "counter",
        MetricKind.Histogram => "histogram",
        _ => "gauge",
    };
}
