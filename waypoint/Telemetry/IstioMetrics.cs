using System.Diagnostics;
using System.Diagnostics.Metrics;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tcp;

namespace Waypoint.Proxy.Telemetry;

/// <summary>Istio's standard metrics, with its names, labels and buckets, so that dashboards made for Istio show this proxy.</summary>
internal sealed class IstioMetrics : IDisposable
{
    public const string MeterName = "Waypoint.Istio";

    /// <summary>Envoy's default buckets, which Istio uses for durations (ms) and sizes (bytes) alike.</summary>
    private static readonly InstrumentAdvice<double> Buckets = new()
    {
        HistogramBucketBoundaries =
        [
            0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000,
        ],
    };

    private readonly Meter _meter = new(MeterName);
    private readonly PeerLabels _labels;
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _requestBytes;
    private readonly Histogram<double> _responseBytes;
    private readonly Counter<long> _opened;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _received;

    public IstioMetrics(MeshState mesh)
    {
        _labels = new PeerLabels(mesh.Workloads);
        _requests = _meter.CreateCounter<long>("istio_requests_total", null, "Requests by who asked, who answered, and how.");
        _duration = _meter.CreateHistogram("istio_request_duration_milliseconds", null, "Time from a request's first byte to its answer's last.", null, Buckets);
        _requestBytes = _meter.CreateHistogram("istio_request_bytes", null, "Sizes of request bodies.", null, Buckets);
        _responseBytes = _meter.CreateHistogram("istio_response_bytes", null, "Sizes of response bodies.", null, Buckets);
        _opened = _meter.CreateCounter<long>("istio_tcp_connections_opened_total", null, "TCP connections passed on.");
        _closed = _meter.CreateCounter<long>("istio_tcp_connections_closed_total", null, "TCP connections that ended.");
        _sent = _meter.CreateCounter<long>("istio_tcp_sent_bytes_total", null, "Bytes passed to clients.");
        _received = _meter.CreateCounter<long>("istio_tcp_received_bytes_total", null, "Bytes passed from clients.");
    }

    public void RequestCompleted(Exchange exchange)
    {
        if (!_requests.Enabled && !_duration.Enabled)
        {
            return;
        }

        var labels = _labels.ForRequest(new SeriesKey(
            _labels.Find(exchange.Destination.Client),
            exchange.Destination.IsMutualTls ? exchange.Destination.ClientPrincipal : null,
            _labels.Find(exchange.Endpoint?.Address),
            exchange.Cluster?.Service,
            exchange.IsGrpc ? "grpc" : "http",
            exchange.Status,
            exchange.GrpcStatus ?? "",
            exchange.Flags));
        _requests.Add(1, labels);
        _duration.Record(Stopwatch.GetElapsedTime(exchange.StartedTimestamp).TotalMilliseconds, labels);
        _requestBytes.Record(exchange.BytesReceived, labels);
        _responseBytes.Record(exchange.BytesSent, labels);
    }

    /// <summary>A TCP connection was passed on to its endpoint.</summary>
    public void ConnectionOpened(TcpConnection connection) => _opened.Add(1, Labels(connection, ResponseFlags.None));

    /// <summary>Bytes went by on a TCP connection; for long connections this is told along the way, not at the end.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="sent">Bytes to the client since the last report.</param>
    /// <param name="received">Bytes from the client since the last report.</param>
    public void ConnectionCarried(TcpConnection connection, long sent, long received)
    {
        var labels = Labels(connection, ResponseFlags.None);
        _sent.Add(sent, labels);
        _received.Add(received, labels);
    }

    /// <summary>A TCP connection ended, or could not be passed on (its flags say why).</summary>
    public void ConnectionClosed(TcpConnection connection) => _closed.Add(1, Labels(connection, connection.Flags));

    public void Dispose() => _meter.Dispose();

    private KeyValuePair<string, object?>[] Labels(TcpConnection connection, ResponseFlags flags) =>
        _labels.ForConnection(new SeriesKey(
            _labels.Find(connection.Client),
            connection.IsMutualTls ? connection.ClientPrincipal : null,
            _labels.Find(connection.Endpoint?.Address),
            connection.Cluster?.Service,
            "tcp",
            0,
            "",
            flags));
}
