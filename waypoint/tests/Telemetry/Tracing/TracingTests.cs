using System.Threading.Channels;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry.Tracing;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Xds.Translation;
using Waypoint.Xds.Delta;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Telemetry.Tracing;

public sealed class TracingTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Parent = "b7ad6b7169203331";

    [Theory]
    [InlineData("traceparent: 00-" + Trace + "-" + Parent + "-01", "01")]
    [InlineData("traceparent: 00-" + Trace + "-" + Parent + "-00", "00")]
    [InlineData("traceparent: cc-" + Trace + "-" + Parent + "-01-more", "01")]
    [InlineData("b3: " + Trace + "-" + Parent + "-1", "01")]
    [InlineData("b3: " + Trace + "-" + Parent + "-0", "00")]
    [InlineData("b3: " + Trace + "-" + Parent + "-d-a2fb4a1d1a96d312", "01")]
    [InlineData("X-B3-TraceId: " + Trace + "\r\nX-B3-SpanId: " + Parent + "\r\nX-B3-Sampled: 1", "01")]
    [InlineData("X-B3-TraceId: " + Trace + "\r\nX-B3-SpanId: " + Parent + "\r\nX-B3-Sampled: 0", "00")]
    public async Task The_callers_trace_goes_on_with_its_decision(string headers, string flags)
    {
        var sent = await SendAsync(headers);
        Assert.Matches($"^00-{Trace}-(?!{Parent})[0-9a-f]{{16}}-{flags}$", Header(sent, "traceparent"));
    }

    [Theory]
    [InlineData("X-Nothing: 1")]
    [InlineData("traceparent: 00-" + Trace + "-" + Parent + "-01-more")]
    [InlineData("traceparent: 00-00000000000000000000000000000000-" + Parent + "-01")]
    [InlineData("traceparent: 00-" + Trace + "-0000000000000000-01")]
    [InlineData("traceparent: ff-" + Trace + "-" + Parent + "-01")]
    [InlineData("traceparent: 00-0AF7651916CD43DD8448EB211C80319C-" + Parent + "-01")]
    [InlineData("traceparent: garbage\r\ntracestate: a=b")]
    public async Task What_cannot_be_read_begins_a_trace_of_its_own(string headers)
    {
        var sent = await SendAsync(headers);
        Assert.Matches($"^00-(?!{Trace})[0-9a-f]{{32}}-[0-9a-f]{{16}}-01$", Header(sent, "traceparent"));
        Assert.Null(Header(sent, "tracestate"));
    }

    [Fact]
    public async Task B3_is_answered_in_its_own_form_and_state_is_passed_on()
    {
        var single = await SendAsync($"b3: {Trace}-{Parent}-1");
        Assert.Matches($"^{Trace}-(?!{Parent})[0-9a-f]{{16}}-1-{Parent}$", Header(single, "b3"));
        Assert.Null(Header(single, "x-b3-traceid"));

        var several = await SendAsync($"X-B3-TraceId: {Trace}\r\nX-B3-SpanId: {Parent}\r\nX-B3-Sampled: 1");
        Assert.Equal((Trace, Parent, "1"), (Header(several, "x-b3-traceid"), Header(several, "x-b3-parentspanid"), Header(several, "x-b3-sampled")));
        Assert.NotEqual(Parent, Header(several, "x-b3-spanid"));

        var w3c = await SendAsync($"traceparent: 00-{Trace}-{Parent}-01\r\ntracestate: a=b");
        Assert.Equal("a=b", Header(w3c, "tracestate"));
        Assert.Null(Header(w3c, "b3"));
    }

    [Fact]
    public async Task Without_tracing_headers_are_left_alone()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await StartAsync(RouteTo(Forward(backend.Address)));
        await GetAsync(proxy, $"traceparent: 00-{Trace}-{Parent}-01");
        Assert.Equal($"00-{Trace}-{Parent}-01", Header(backend.Request, "traceparent"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_span_reaches_the_collector_through_its_cluster(bool byGrpc)
    {
        var received = Channel.CreateUnbounded<(string Path, string Type, ExportTraceServiceRequest Request)>();
        await using var collector = await HttpBackend.StartAsync(context => Collector.TakeAsync(context, received.Writer));
        await using var backend = RawBackend.Answering("HTTP/1.1 503 Unavailable\r\nContent-Length: 5\r\n\r\nsorry");
        var cluster = ClusterOf(byGrpc ? UpstreamProtocol.Http2 : UpstreamProtocol.Http1, byGrpc ? collector.Http2 : collector.Http1);
        var service = byGrpc
            ? """ "grpcService": {"envoyGrpc": {"clusterName": "otel"}} """
            : """ "httpService": {"httpUri": {"uri": "http://otel:4318/v1/traces", "cluster": "otel", "timeout": "1s"}} """;
        var settings = Translate("""
            {"provider": {"name": "envoy.tracers.opentelemetry", "typedConfig": {
               "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig", "serviceName": "waypoint.shop", SERVICE}},
             "randomSampling": {"value": 100}, "maxPathTagLength": 7,
             "customTags": [
               {"tag": "fixed", "literal": {"value": "50%"}}, {"tag": "header", "requestHeader": {"name": "x-user"}},
               {"tag": "otherwise", "requestHeader": {"name": "nope", "defaultValue": "it's"}}, {"tag": "none", "requestHeader": {"name": "nope"}},
               {"tag": "istio.source_workload", "value": "%FILTER_STATE(downstream_peer_obj:FIELD:workload)%"}]}
            """.Replace("SERVICE", service, StringComparison.Ordinal), cluster);
        await using var proxy = await StartAsync(new HttpChain
        {
            Name = "chain",
            Routes = new RouteTable([RouteTo(Forward(backend.Address)) with { Operation = "echo.shop.svc.cluster.local:80/*" }]),
            Tracing = settings,
        });
        await GetAsync(proxy, $"traceparent: 00-{Trace}-{Parent}-01\r\ntracestate: a=b\r\nX-User: kim", "/p/123456");

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var (path, type, request) = await received.Reader.ReadAsync(patience.Token);
        Assert.Equal(
            byGrpc ? ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc") : ("/v1/traces", "application/x-protobuf"),
            (path, type));
        var resource = Assert.Single(request.ResourceSpans);
        Assert.Equal("waypoint.shop", Assert.Single(resource.Resource.Attributes).Value.StringValue);
        var span = Assert.Single(Assert.Single(resource.ScopeSpans).Spans);
        Assert.Equal((Trace, Parent), (Convert.ToHexStringLower(span.TraceId.Span), Convert.ToHexStringLower(span.ParentSpanId.Span)));
        Assert.EndsWith($"-{Convert.ToHexStringLower(span.SpanId.Span)}-01", Header(backend.Request, "traceparent"), StringComparison.Ordinal);
        Assert.Equal(("echo.shop.svc.cluster.local:80/*", Span.Types.SpanKind.Server, "a=b"), (span.Name, span.Kind, span.TraceState));
        Assert.True(span.EndTimeUnixNano > span.StartTimeUnixNano);
        Assert.Equal(Status.Types.StatusCode.Error, span.Status.Code);
        var tags = span.Attributes.ToDictionary(a => a.Key, a => a.Value.StringValue);
        Assert.Equal("http://echo/p/1234", tags["http.url"]);
        Assert.Equal(("GET", "503", "-", "5"), (tags["http.method"], tags["http.status_code"], tags["response_flags"], tags["response_size"]));
        Assert.Equal("inbound-vip|80|http|echo.shop.svc.cluster.local", tags["upstream_cluster"]);
        Assert.Equal(("50%", "kim", "it's"), (tags["fixed"], tags["header"], tags["otherwise"]));
        Assert.DoesNotContain("none", tags.Keys);
    }

    [Fact]
    public async Task A_collector_that_is_not_there_costs_spans_and_nothing_else()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        var chain = new HttpChain
        {
            Name = "chain",
            Routes = new RouteTable([RouteTo(Forward(backend.Address))]),
            Tracing = new TracingSettings(new TraceCollector(SlotOf(ClusterOf(UpstreamProtocol.Http1, Refusing())), "x") { HttpPath = "/v1/traces" }),
        };
        await using var proxy = await StartAsync(chain);
        for (var i = 0; i < 3; i++)
        {
            Assert.EndsWith("ok", await GetAsync(proxy, "X-Nothing: 1"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nothing_is_sampled_at_no_percentage_and_a_provider_that_is_not_known_is_reported()
    {
        var none = Translate("""
            {"provider": {"name": "o", "typedConfig": {"@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig", "grpcService": {"envoyGrpc": {"clusterName": "c"}}}},
             "randomSampling": {"value": 0}}
            """, ClusterOf(UpstreamProtocol.Http2));
        Assert.False(none!.Draw());

        var scope = new TranslationScope("test");
        Assert.Null(TracingTranslator.Translate(
            Parse("""{"provider": {"name": "envoy.tracers.zipkin", "typedConfig": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": ""}}}"""), null!, scope));
        Assert.Equal("tracing provider 'envoy.tracers.zipkin'", Assert.Single(scope.UnsupportedFeatures).Feature);
        Assert.Null(TracingTranslator.Translate(Parse("""{"clientSampling": {"value": 100}}"""), null!, scope));
    }

    private static TracingSettings? Translate(string json, Cluster cluster) =>
        TracingTranslator.Translate(Parse(json), _ => SlotOf(cluster), new TranslationScope("test"));

    private static HttpConnectionManager.Types.Tracing Parse(string json) =>
        new JsonParser(JsonParser.Settings.Default.WithTypeRegistry(ResourceJson.Types)).Parse<HttpConnectionManager.Types.Tracing>(json);

    /// <summary>What the backend got.</summary>
    private static async Task<string> SendAsync(string headers)
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await StartAsync(new HttpChain
        {
            Name = "chain",
            Routes = new RouteTable([RouteTo(Forward(backend.Address))]),
            Tracing = new TracingSettings(new TraceCollector(SlotOf(ClusterOf(UpstreamProtocol.Http1)), "x") { HttpPath = "/v1/traces" }),
        });
        await GetAsync(proxy, headers);
        return backend.Request;
    }

    private static async Task<string> GetAsync(ProxyUnderTest proxy, string headers, string path = "/")
    {
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync($"GET {path} HTTP/1.1\r\nHost: echo\r\n{headers}\r\n\r\n");
        return await client.ReadMessageAsync();
    }

    private static string? Header(string request, string name) => request.Split("\r\n")
        .Where(line => line.StartsWith($"{name}: ", StringComparison.OrdinalIgnoreCase))
        .Select(line => line[(name.Length + 2)..])
        .SingleOrDefault();
}
