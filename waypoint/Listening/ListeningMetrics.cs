using System.Diagnostics.Metrics;

namespace Waypoint.Proxy.Listening;

/// <summary>What the listening plane counts. Safe from any thread.</summary>
internal sealed class ListeningMetrics : IDisposable
{
    public const string MeterName = "Waypoint.Listening";

    private readonly Meter _meter = new(MeterName);
    private readonly long[] _rejected = new long[RejectionReasons.All.Count];
    private long _accepted, _http1, _http2, _tcp, _active, _undecided, _disbelieved;

    public ListeningMetrics()
    {
        _meter.CreateObservableCounter("waypoint_connections_accepted_total", () => Accepted, null, "Connections of clients.");
        _meter.CreateObservableUpDownCounter("waypoint_connections_active", () => Active, null, "Connections of clients that are open.");
        _meter.CreateObservableCounter("waypoint_connections_served_total", Served, null, "Connections by what they turned out to speak.");
        _meter.CreateObservableCounter("waypoint_connections_rejected_total", Rejected, null, "Connections closed by us, by reason.");
        _meter.CreateObservableCounter("waypoint_proxy_headers_disbelieved_total", () => Disbelieved, null, "PROXY headers whose client was not believed.");
    }

    public long Accepted => Volatile.Read(ref _accepted);

    /// <summary>Connections handed to the HTTP/1.1 server.</summary>
    public long Http1 => Volatile.Read(ref _http1);

    /// <summary>Connections handed to the HTTP/2 server.</summary>
    public long Http2 => Volatile.Read(ref _http2);

    /// <summary>Connections passed through as bytes.</summary>
    public long Tcp => Volatile.Read(ref _tcp);

    /// <summary>Connections of clients that are open now, in whatever stage.</summary>
    public long Active => Volatile.Read(ref _active);

    /// <summary>Those of them that have not been given to the HTTP server or joined with a backend yet.</summary>
    public long Undecided => Volatile.Read(ref _undecided);

    /// <summary>PROXY headers whose client was not believed (design D3): the TCP peer stood in.</summary>
    public long Disbelieved => Volatile.Read(ref _disbelieved);

    public long Rejected(RejectionReason reason) => Volatile.Read(ref _rejected[(int)reason]);

    public void CountAccepted()
    {
        Interlocked.Increment(ref _accepted);
        Interlocked.Increment(ref _active);
        Interlocked.Increment(ref _undecided);
    }

    public void CountDecided() => Interlocked.Decrement(ref _undecided);

    public void CountClosed() => Interlocked.Decrement(ref _active);

    public void CountHttp1() => Interlocked.Increment(ref _http1);

    public void CountHttp2() => Interlocked.Increment(ref _http2);

    public void CountTcp() => Interlocked.Increment(ref _tcp);

    public void CountDisbelieved() => Interlocked.Increment(ref _disbelieved);

    public void CountRejected(RejectionReason reason) => Interlocked.Increment(ref _rejected[(int)reason]);

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Served() =>
    [
        new(Http1, new KeyValuePair<string, object?>("protocol", "http1")),
        new(Http2, new KeyValuePair<string, object?>("protocol", "http2")),
        new(Tcp, new KeyValuePair<string, object?>("protocol", "tcp")),
    ];

    private IEnumerable<Measurement<long>> Rejected() =>
        RejectionReasons.All.Select(reason => new Measurement<long>(Rejected(reason), new KeyValuePair<string, object?>("reason", reason.Label())));
}
