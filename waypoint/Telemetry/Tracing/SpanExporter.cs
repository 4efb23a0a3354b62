using System.Diagnostics.Metrics;
using System.Net.Http.Headers;
using System.Threading.Channels;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Hosting;
using Waypoint.Xds.Grpc;

namespace Waypoint.Proxy.Telemetry.Tracing;

/// <summary>
/// Sends spans to their collectors in batches, through the collector's cluster. Requests never wait for it: spans go through a bounded
/// queue, and what does not fit or cannot be delivered is dropped and counted. The exporter of OpenTelemetry's own library is not used because it
/// opens connections itself, past the cluster's endpoints, policy and transport.
/// </summary>
internal sealed partial class SpanExporter : IAsyncDisposable
{
    public const string MeterName = "Waypoint.Tracing";

    private const int QueuedSpans = 8192;
    private const int LargestBatch = 512;
    private const int LargestAnswer = 64 * 1024;

    // A batch gathers for a second, unless it is full before.
    private const int Slices = 20;
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(2);

    private static readonly GrpcMethod<ExportTraceServiceRequest, ExportTraceServiceResponse> Export =
        new("opentelemetry.proto.collector.trace.v1.TraceService", "Export", ExportTraceServiceRequest.Parser, ExportTraceServiceResponse.Parser);

    private readonly Channel<(TraceCollector Collector, Span Span)> _queue = Channel.CreateBounded<(TraceCollector, Span)>(
        new BoundedChannelOptions(QueuedSpans) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly ClusterClient _client;
    private readonly ILogger _logger;
    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _exported;
    private readonly Counter<long> _dropped;
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _sending;
    private bool _isFailing;

    public SpanExporter(ClusterClient client, ILogger<SpanExporter> logger)
    {
        _client = client;
        _logger = logger;
        _exported = _meter.CreateCounter<long>("waypoint_spans_exported_total", description: "Spans that a collector took.");
        _dropped = _meter.CreateCounter<long>("waypoint_spans_dropped_total", description: "Spans that were lost, by why.");
        _sending = SendAsync();
    }

    public void Enqueue(TraceCollector collector, Span span)
    {
        if (!_queue.Writer.TryWrite((collector, span)))
        {
            _dropped.Add(1, new KeyValuePair<string, object?>("reason", "queue_full"));
        }
    }

    /// <summary>Sends what is queued, and ends; not for longer than two seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _closing.CancelAsync().ConfigureAwait(false);
        _ending.CancelAfter(LastWords);
        await _sending.ConfigureAwait(false);
        _ending.Dispose();
        _closing.Dispose();
        _meter.Dispose();
    }

    private async Task SendAsync()
    {
        var reader = _queue.Reader;
        var batches = new Dictionary<TraceCollector, List<Span>>();
        while (await reader.WaitToReadAsync().ConfigureAwait(false))
        {
            for (var i = 0; i < Slices && reader.Count < LargestBatch && !_closing.IsCancellationRequested; i++)
            {
                await Task.Delay(Slice, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            for (var taken = 0; taken < LargestBatch && reader.TryRead(out var next); taken++)
            {
                if (!batches.TryGetValue(next.Collector, out var spans))
                {
                    batches.Add(next.Collector, spans = []);
                }

                spans.Add(next.Span);
            }

            foreach (var (collector, spans) in batches)
            {
                await SendAsync(collector, spans).ConfigureAwait(false);
            }

            batches.Clear();
        }
    }

    private async Task SendAsync(TraceCollector collector, List<Span> spans)
    {
        var request = new ExportTraceServiceRequest
        {
            ResourceSpans =
            {
                new ResourceSpans
                {
                    Resource = new Resource { Attributes = { new KeyValue { Key = "service.name", Value = new AnyValue { StringValue = collector.ServiceName } } } },
                    ScopeSpans = { new ScopeSpans { Scope = new InstrumentationScope { Name = "waypoint", Version = ProgramVersion.Text }, Spans = { spans } } },
                },
            },
        };
        try
        {
            await (collector.HttpPath is { } path ? SendByHttpAsync(collector, path, request) : SendByGrpcAsync(collector, request)).ConfigureAwait(false);
            _exported.Add(spans.Count);
            _isFailing = false;
        }
        catch (Exception exception) when (exception is ClusterCallException or GrpcException or OperationCanceledException)
        {
            _dropped.Add(spans.Count, new KeyValuePair<string, object?>("reason", "export_failed"));
            if (!_isFailing)
            {
                // Once for each time that it begins to fail; the counter tells the rest.
                LogExportFailed(collector.Cluster.Name, exception.Message);
                _isFailing = true;
            }
        }
    }

    private async Task SendByGrpcAsync(TraceCollector collector, ExportTraceServiceRequest request)
    {
        var (address, invoker) = _client.Connect(collector.Cluster);
        using var channel = new GrpcChannel(address, invoker, new GrpcChannelOptions { Authority = collector.Authority });
        var headers = new GrpcMetadata();
        foreach (var (name, value) in collector.Headers)
        {
            headers.Add(name, value);
        }

        await channel.CallAsync(Export, request, new GrpcCallOptions { Timeout = collector.Timeout, Headers = headers }, _ending.Token).ConfigureAwait(false);
    }

    private async Task SendByHttpAsync(TraceCollector collector, string path, ExportTraceServiceRequest request)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, (Uri?)null) { Content = new ByteArrayContent(request.ToByteArray()) };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        message.Headers.Host = collector.Authority;
        foreach (var (name, value) in collector.Headers)
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await _client.SendAsync(collector.Cluster, message, path, collector.Timeout, LargestAnswer, _ending.Token).ConfigureAwait(false);
        if (answer.Status is < 200 or > 299)
        {
            throw new ClusterCallException($"{collector.Cluster.Name}: status {answer.Status}");
        }
    }

    [LoggerMessage(41, LogLevel.Warning, "Spans cannot be exported to {Cluster}: {Reason}")]
    private partial void LogExportFailed(string cluster, string reason);
}
