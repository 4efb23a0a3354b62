using System.Diagnostics.Metrics;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Maps;
using Waypoint.NodeAgent.Reconciliation;

namespace Waypoint.NodeAgent.Reporting;

/// <summary>The agent's metrics. All are read when somebody asks for them.</summary>
internal sealed class AgentMetrics : IDisposable
{
    public const string MeterName = "Waypoint.NodeAgent";

    private readonly Meter _meter = new(MeterName);

    public AgentMetrics(Reconciler reconciler, IKernelMaps maps, KernelCounters counters, ConnectionReporter connections)
    {
        // The waypoint's own traffic, refusals, what found no room: each by the name that it has in the kernel engine.
        _meter.CreateObservableCounter(
            "waypoint_kernel_total",
            () => counters.ReadAll().Select(counter => new Measurement<long>((long)counter.Value, Tag("counter", SnakeCase(counter.Key)))),
            description: "What the kernel engine counted, by counter.");

        _meter.CreateObservableGauge(
            "waypoint_map_entries",
            () => reconciler.Read(state => Entries(state.Writer.Mirror)).Select(map => new Measurement<long>(map.Value, Tag("map", map.Key))),
            description: "Entries of the kernel engine's maps.");
        _meter.CreateObservableGauge(
            "waypoint_map_capacity",
            () => new (string Map, int Capacity)[]
            {
                (maps.Frontends.Name, maps.Frontends.Capacity),
                (maps.Services.Name, maps.Services.Capacity),
                (maps.Slots.Name, maps.Slots.Capacity),
                (maps.Backends.Name, maps.Backends.Capacity),
                (maps.Pods.Name, maps.Pods.Capacity),
            }.Select(map => new Measurement<long>(map.Capacity, Tag("map", map.Map))),
            description: "Entries for which the kernel engine's maps have room.");
        Count("waypoint_map_transactions_total", "Transactions that changed the maps.", statistics => statistics.Transactions);
        Count("waypoint_map_writes_total", "Entries written to maps.", statistics => statistics.Writes);
        Count("waypoint_map_deletes_total", "Entries deleted from maps.", statistics => statistics.Deletes);
        Count("waypoint_map_full_total", "Transactions that found a map full.", statistics => statistics.MapsFull);
        Count("waypoint_map_failures_total", "Transactions that the kernel broke off.", statistics => statistics.Failures);

        _meter.CreateObservableGauge(
            "waypoint_enrolled_pods", () => (long)reconciler.Read(state => state.Pods.Pods.Count), description: "Pods that are enrolled on this node.");
        _meter.CreateObservableGauge(
            "waypoint_rejected_resources", () => (long)reconciler.Read(state => state.Rejected.Count),
            description: "Resources whose newest version cannot be used.");

        Sum("istio_tcp_connections_opened_total", "Connections that were established.", totals => totals.Opened);
        Sum("istio_tcp_connections_closed_total", "Established connections that ended.", totals => totals.Closed);
        Sum("istio_tcp_connections_failed_total", "Connections that were refused or not accepted.", totals => totals.Failed);

        // Istio looks from the side of the server: what is sent is the answer.
        Sum("istio_tcp_sent_bytes_total", "Bytes of payload to clients, counted when their connections end.", totals => totals.ToClient);
        Sum("istio_tcp_received_bytes_total", "Bytes of payload from clients, counted when their connections end.", totals => totals.FromClient);

        void Count(string name, string description, Func<ReconcilerStatistics, long> value) =>
            _meter.CreateObservableCounter(name, () => value(reconciler.Statistics), description: description);

        void Sum(string name, string description, Func<ConnectionTotals, long> value) =>
            _meter.CreateObservableCounter(
                name,
                () => connections.Totals.Select(totals => new Measurement<long>(value(totals.Value), totals.Key.Tags)).Where(sum => sum.Value > 0),
                description: description);
    }

    public void Dispose() => _meter.Dispose();

    private static Dictionary<string, int> Entries(MapMirror mirror) => new()
    {
        ["frontends"] = mirror.Frontends.Count,
        ["services"] = mirror.Services.Count,
        ["slots"] = mirror.SlotCount,
        ["backends"] = mirror.Backends.Count,
        ["pods"] = mirror.Pods.Count,
    };

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    /// <summary>GuardOwnWaypoint: guard_own_waypoint.</summary>
    private static string SnakeCase(Counter counter) => string.Concat(counter.ToString().Select(
        (letter, index) => char.IsUpper(letter) ? (index > 0 ? "_" : "") + char.ToLowerInvariant(letter) : letter.ToString()));
}
