using System.Net;
using System.Threading.Channels;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry.Tracing;
using Waypoint.Proxy.Tests.Forwarding;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Telemetry.Tracing;

/// <summary>The span of a request through a real Envoy, and of the same request through us: what a collector gets must be the same.</summary>
[Trait("Needs", "shared")]
public sealed class EnvoySpanTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Request = "GET /p?x=1 HTTP/1.1\r\nHost: echo\r\nUser-Agent: test/1\r\ntraceparent: 00-" + Trace + "-b7ad6b7169203331-01\r\ntracestate: a=b\r\n\r\n";

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n")]
    public async Task A_span_says_what_Envoys_says(string answer)
    {
        await using var backend = RawBackend.Answering(answer);
        var received = Channel.CreateUnbounded<(string Path, string Type, ExportTraceServiceRequest Request)>();
        await using var collector = await HttpBackend.StartAsync(context => Collector.TakeAsync(context, received.Writer));

        var listens = ForeignProcess.FreePort();
        Span envoys;
        await using (await ForeignProcess.StartAsync(listens, "envoy", "--config-yaml", Bootstrap(listens, backend.Address, collector.Http2), "--disable-hot-restart", "-l", "error"))
        {
            await SendAsync(listens);
            envoys = await SpanAsync(received.Reader);
        }

        await using var proxy = await StartAsync(new HttpChain
        {
            Name = "chain",
            Routes = new RouteTable([RouteTo(Forward(new Cluster
            {
                Name = "back",
                Endpoints = [new Proxy.LoadBalancing.Endpoint { Address = backend.Address, State = new EndpointState() }],
            })) with { Operation = "echo:80/*" }]),
            Tracing = new TracingSettings(new TraceCollector(SlotOf(ClusterOf(UpstreamProtocol.Http2, collector.Http2)), "waypoint")),
        });
        await SendAsync(proxy.Http1);
        var ours = await SpanAsync(received.Reader);

        Assert.Equal((envoys.TraceId, envoys.ParentSpanId, envoys.TraceState), (ours.TraceId, ours.ParentSpanId, ours.TraceState));
        Assert.Equal((envoys.Name, envoys.Kind, envoys.Status?.Code), (ours.Name, ours.Kind, ours.Status?.Code));
        Assert.Equal(string.Join('\n', Tags(envoys)), string.Join('\n', Tags(ours)));
        Assert.InRange((long)(ours.StartTimeUnixNano - envoys.StartTimeUnixNano), 0, 60_000_000_000);
    }

    /// <summary>But for those that name the proxy or one request.</summary>
    private static SortedDictionary<string, string> Tags(Span span)
    {
        var tags = new SortedDictionary<string, string>(span.Attributes.ToDictionary(a => a.Key, a => a.Value.StringValue), StringComparer.Ordinal);
        tags.Remove("node_id");
        tags.Remove("zone");
        Assert.True(tags.Remove("guid:x-request-id"));
        return tags;
    }

    private static async Task<Span> SpanAsync(ChannelReader<(string Path, string Type, ExportTraceServiceRequest Request)> received)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var (path, type, request) = await received.ReadAsync(patience.Token);
        Assert.Equal(("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc"), (path, type));
        return Assert.Single(Assert.Single(Assert.Single(request.ResourceSpans).ScopeSpans).Spans);
    }

    private static async Task SendAsync(IPEndPoint address)
    {
        await using var client = await RawConnection.ConnectAsync(address);
        await client.SendAsync(Request);
        Assert.NotEqual("", await client.ReadMessageAsync());
    }

    private static string Bootstrap(IPEndPoint listens, IPEndPoint backend, IPEndPoint collector) => """
        {"node": {"id": "n", "cluster": "c"}, "static_resources": {
          "listeners": [{"name": "l", "address": LISTENS, "filter_chains": [{"filters": [{"name": "hcm", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "x",
            "tracing": {"provider": {"name": "envoy.tracers.opentelemetry", "typed_config": {
              "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig", "service_name": "waypoint",
              "grpc_service": {"envoy_grpc": {"cluster_name": "otel"}}}}},
            "http_filters": [{"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
            "route_config": {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [
              {"match": {"prefix": "/"}, "decorator": {"operation": "echo:80/*"}, "route": {"cluster": "back"}}]}]}
          }}]}]}],
          "clusters": [
            {"name": "back", "load_assignment": {"cluster_name": "back", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": BACKEND}}]}]}},
            {"name": "otel", "load_assignment": {"cluster_name": "otel", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": COLLECTOR}}]}]},
             "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
               "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {}}}}}]}}
        """
        .Replace("LISTENS", Address(listens), StringComparison.Ordinal)
        .Replace("BACKEND", Address(backend), StringComparison.Ordinal)
        .Replace("COLLECTOR", Address(collector), StringComparison.Ordinal);

    private static string Address(IPEndPoint endpoint) =>
        $$$"""{"socket_address": {"address": "{{{endpoint.Address}}}", "port_value": {{{endpoint.Port}}} }}""";
}
