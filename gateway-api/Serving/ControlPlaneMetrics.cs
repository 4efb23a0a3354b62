using System.Diagnostics.Metrics;
using Waypoint.GatewayApi.Translation;

namespace Waypoint.GatewayApi.Serving;

/// <summary>What a control plane counts, besides what its xDS server does.</summary>
internal sealed class ControlPlaneMetrics : IDisposable
{
    public const string MeterName = "Waypoint.ControlPlane";

    private readonly Meter _meter = new(MeterName);

    public ControlPlaneMetrics(ControlPlane controlPlane)
    {
        BatchMilliseconds = _meter.CreateHistogram<double>(
            "waypoint_control_plane_batch_milliseconds", "ms", "From noticing a change until what follows from it is published.");
        Batches = _meter.CreateCounter<long>("waypoint_control_plane_batches_total", null, "Changes taken in.");
        _meter.CreateObservableGauge("waypoint_control_plane_objects", () => controlPlane.ObjectCount, null, "Objects in force.");
        _meter.CreateObservableGauge(
            "waypoint_control_plane_source_errors", () => controlPlane.ErrorCount, null, "Errors in the source that keep something from being in force.");
        _meter.CreateObservableCounter("waypoint_control_plane_translations_total", () => Measure(controlPlane.Counts), null, "Things translated, by kind.");
    }

    public Histogram<double> BatchMilliseconds { get; }

    public Counter<long> Batches { get; }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> Measure(TranslationCounts counts)
    {
        yield return Of(counts.Chains, "chain");
        yield return Of(counts.Clusters, "cluster");
        yield return Of(counts.Endpoints, "endpoints");
        yield return Of(counts.Services, "service");
        yield return Of(counts.Workloads, "workload");
        yield return Of(counts.Routes, "route");
        yield return Of(counts.Listeners, "listener");
    }

    private static Measurement<long> Of(long value, string kind) => new(value, new KeyValuePair<string, object?>("kind", kind));
}
