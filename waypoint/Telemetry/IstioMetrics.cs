using System.Diagnostics;
using System.Diagnostics.Metrics;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Telemetry.Formatting;
using Waypoint.Proxy.Telemetry.Stats;
using Label = System.Collections.Generic.KeyValuePair<string, object?>;

namespace Waypoint.Proxy.Telemetry;

/// <summary>
/// Istio's standard metrics, with its names, labels and buckets, so that dashboards made for Istio show this proxy; changed for each chain as
/// its configuration says (<see cref="StatsSettings"/>).
/// </summary>
internal sealed class IstioMetrics : IDisposable
{
    public const string MeterName = "Waypoint.Istio";

    private readonly Meter _meter = new(MeterName);
    private readonly PeerLabels _labels;
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _requestBytes;
    private readonly Histogram<double> _responseBytes;
    private readonly Counter<long> _requestMessages;
    private readonly Counter<long> _responseMessages;
    private readonly Counter<long> _opened;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _received;

    public IstioMetrics(MeshState mesh, HistogramBuckets? buckets = null)
    {
        _labels = new PeerLabels(mesh.Workloads);
        Histogram<double> Histogram(string name, string description) => _meter.CreateHistogram(
            name, null, description, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = (buckets ?? HistogramBuckets.Default).For(name) });

        _meter.CreateObservableGauge(
            "istio_build",
            static () => new Measurement<int>(1, new Label("component", "proxy"), new Label("tag", ProgramVersion.Text)),
            description: "The version of this proxy.");
        _requests = _meter.CreateCounter<long>("istio_requests_total", null, "Requests by who asked, who answered, and how.");
        _duration = Histogram("istio_request_duration_milliseconds", "Time from a request's first byte to its answer's last.");
        _requestBytes = Histogram("istio_request_bytes", "Sizes of request bodies.");
        _responseBytes = Histogram("istio_response_bytes", "Sizes of response bodies.");
        _requestMessages = _meter.CreateCounter<long>("istio_request_messages_total", null, "Messages of gRPC from clients.");
        _responseMessages = _meter.CreateCounter<long>("istio_response_messages_total", null, "Messages of gRPC to clients.");
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

        var series = _labels.ForRequest(new SeriesKey(
            _labels.Find(exchange.Destination.Client),
            exchange.Destination.IsMutualTls ? exchange.Destination.ClientPrincipal : null,
            _labels.Find(exchange.Endpoint?.Address),
            exchange.Cluster?.Service,
            exchange.IsGrpc ? "grpc" : "http",
            exchange.Status,
            exchange.GrpcStatus ?? "",
            exchange.Flags));
        var settings = exchange.Chain?.Stats ?? StatsSettings.Default;
        var stream = new StreamInfo(exchange);
        Add(_requests, 1, IstioMetric.RequestsTotal, settings, series, stream);
        Record(_duration, Stopwatch.GetElapsedTime(exchange.StartedTimestamp).TotalMilliseconds, IstioMetric.RequestDuration, settings, series, stream);
        Record(_requestBytes, exchange.BytesReceived, IstioMetric.RequestBytes, settings, series, stream);
        Record(_responseBytes, exchange.BytesSent, IstioMetric.ResponseBytes, settings, series, stream);
        if (exchange.IsGrpc)
        {
            Add(_requestMessages, exchange.RequestMessages?.Count ?? 0, IstioMetric.RequestMessages, settings, series, stream);
            Add(_responseMessages, exchange.ResponseMessages?.Count ?? 0, IstioMetric.ResponseMessages, settings, series, stream);
        }
    }

    /// <summary>A TCP connection was passed on to its endpoint.</summary>
    public void ConnectionOpened(TcpConnection connection) => Add(_opened, 1, IstioMetric.TcpOpened, connection, ResponseFlags.None);

    /// <summary>Bytes went by on a TCP connection; for long connections this is told along the way, not at the end.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="sent">Bytes to the client since the last report.</param>
    /// <param name="received">Bytes from the client since the last report.</param>
    public void ConnectionCarried(TcpConnection connection, long sent, long received)
    {
        Add(_sent, sent, IstioMetric.TcpSent, connection, ResponseFlags.None);
        Add(_received, received, IstioMetric.TcpReceived, connection, ResponseFlags.None);
    }

    /// <summary>A TCP connection ended, or could not be passed on (its flags say why).</summary>
    public void ConnectionClosed(TcpConnection connection) => Add(_closed, 1, IstioMetric.TcpClosed, connection, connection.Flags);

    public void Dispose() => _meter.Dispose();

    private void Add(Counter<long> counter, long value, IstioMetric metric, TcpConnection connection, ResponseFlags flags)
    {
        var series = _labels.ForConnection(new SeriesKey(
            _labels.Find(connection.Client),
            connection.IsMutualTls ? connection.ClientPrincipal : null,
            _labels.Find(connection.Endpoint?.Address),
            connection.Cluster?.Service,
            "tcp",
            0,
            "",
            flags));
        Add(counter, value, metric, connection.Chain.Stats, series, new StreamInfo(connection));
    }

    private static void Add(Counter<long> counter, long value, IstioMetric metric, StatsSettings settings, Label[] series, StreamInfo stream)
    {
        if (Changed(series, metric, settings, stream) is { } labels)
        {
            counter.Add(value, labels);
        }
    }

    private static void Record(Histogram<double> histogram, double value, IstioMetric metric, StatsSettings settings, Label[] series, StreamInfo stream)
    {
        if (Changed(series, metric, settings, stream) is { } labels)
        {
            histogram.Record(value, labels);
        }
    }

    /// <summary>Null when there is to be no measurement.</summary>
    private static Label[]? Changed(Label[] series, IstioMetric metric, StatsSettings settings, StreamInfo stream)
    {
        var labels = series;
        foreach (var rule in settings.RulesOf(metric))
        {
            if (rule.Apply(labels, stream) is not { } changed)
            {
                return null;
            }

            labels = changed;
        }

        return labels;
    }
}
