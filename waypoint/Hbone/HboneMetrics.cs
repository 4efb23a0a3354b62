using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Waypoint.Proxy.Hbone;

/// <summary>What tunnels count. Safe from any thread.</summary>
internal sealed class HboneMetrics : IDisposable
{
    public const string MeterName = "Waypoint.Hbone";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _refused;
    private readonly Counter<long> _streams;
    private readonly ConcurrentDictionary<string, long> _refusals = new(StringComparer.Ordinal);
    private long _inbound;

    public HboneMetrics()
    {
        _refused = _meter.CreateCounter<long>("waypoint_hbone_refused_total", null, "HBONE connections that were refused, by side and reason.");
        _streams = _meter.CreateCounter<long>("waypoint_hbone_streams_total", null, "CONNECT requests of HBONE peers, by the status that they got.");
        _meter.CreateObservableUpDownCounter(
            "waypoint_hbone_inbound_connections_active", () => Volatile.Read(ref _inbound), null, "HBONE connections of peers that are open.");
    }

    /// <summary>Connections of peers that are open.</summary>
    public long Inbound => Volatile.Read(ref _inbound);

    public void CountOpened() => Interlocked.Increment(ref _inbound);

    public void CountClosed() => Interlocked.Decrement(ref _inbound);

    /// <returns>How many there were for this reason.</returns>
    public long CountRefused(string side, string reason)
    {
        _refused.Add(1, new("side", side), new("reason", reason));
        return _refusals.AddOrUpdate(reason, 1, static (_, count) => count + 1);
    }

    public long Refused(string reason) => _refusals.GetValueOrDefault(reason);

    public void CountStream(int status) => _streams.Add(1, new KeyValuePair<string, object?>("response_code", status));

    public void Dispose() => _meter.Dispose();
}
