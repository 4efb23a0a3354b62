using System.Collections.Concurrent;
using System.Diagnostics;
using Waypoint.Proxy.Telemetry;
using Waypoint.Proxy.Telemetry.AccessLogging;

namespace Waypoint.Proxy.Tcp;

/// <summary>Tells Istio's TCP metrics of each connection: when it opens, what it carries every few seconds, and how it ends. Then it gets its line in the access log.</summary>
internal sealed class TcpTelemetry : ITcpObserver, IDisposable
{
    // Each chain says how often its connections report; this is how exactly that is kept.
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly IstioMetrics _metrics;
    private readonly AccessLog _log;
    private readonly ConcurrentDictionary<TcpConnection, Reported> _open = new();
    private readonly Timer _timer;

    public TcpTelemetry(IstioMetrics metrics, AccessLog log)
    {
        _metrics = metrics;
        _log = log;
        _timer = new Timer(_ => ReportOpen(), null, Tick, Tick);
    }

    public void Opened(TcpConnection connection)
    {
        _open.TryAdd(connection, new Reported());
        _metrics.ConnectionOpened(connection);
    }

    public void Closed(TcpConnection connection)
    {
        if (_open.TryRemove(connection, out var reported))
        {
            Report(connection, reported);
        }

        _metrics.ConnectionClosed(connection);
        _log.Completed(connection);
    }

    public void Dispose() => _timer.Dispose();

    private void ReportOpen()
    {
        var now = Stopwatch.GetTimestamp();
        foreach (var (connection, reported) in _open)
        {
            if (Stopwatch.GetElapsedTime(reported.At, now) >= connection.Chain.Stats.TcpReportingDuration)
            {
                reported.At = now;
                Report(connection, reported);
            }
        }
    }

    private void Report(TcpConnection connection, Reported reported)
    {
        lock (reported)
        {
            var (sent, received) = (connection.BytesSent, connection.BytesReceived);
            if (sent > reported.Sent || received > reported.Received)
            {
                _metrics.ConnectionCarried(connection, sent - reported.Sent, received - reported.Received);
                (reported.Sent, reported.Received) = (sent, received);
            }
        }
    }

    /// <summary>How much of a connection was told already.</summary>
    private sealed class Reported
    {
        public long At { get; set; } = Stopwatch.GetTimestamp();

        public long Sent { get; set; }

        public long Received { get; set; }
    }
}
