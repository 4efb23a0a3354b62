using System.Diagnostics.Metrics;
using System.Net;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry;
using Waypoint.Proxy.Telemetry.Stats;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Telemetry;

public sealed class IstioMetricsTests
{
    [Fact]
    public async Task A_request_is_counted_with_who_asked_and_who_answered()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        proxy.Mesh.Workloads.Upsert(Pod("client", "curl"));
        using var measurements = new Measurements();
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: 3\r\n\r\nabc");
        await client.ReadMessageAsync();

        var request = await measurements.WaitAsync("istio_requests_total", ("response_code", "201"));
        Assert.Equal(1, request.Value);
        Assert.Equal(3, (await measurements.WaitAsync("istio_request_bytes", ("response_code", "201"))).Value);
        Assert.Equal(5, (await measurements.WaitAsync("istio_response_bytes", ("response_code", "201"))).Value);
        Assert.InRange((await measurements.WaitAsync("istio_request_duration_milliseconds", ("response_code", "201"))).Value, 0, 60_000);
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["reporter"] = "waypoint",
                ["source_workload"] = "curl",
                ["source_workload_namespace"] = "shop",
                ["source_principal"] = "spiffe://cluster.local/ns/shop/sa/curl",
                ["source_app"] = "curl",
                ["source_version"] = "v1",
                ["source_canonical_service"] = "curl",
                ["source_canonical_revision"] = "v1",
                ["source_cluster"] = "Kubernetes",
                ["destination_workload"] = "curl",
                ["destination_workload_namespace"] = "shop",
                ["destination_principal"] = "spiffe://cluster.local/ns/shop/sa/curl",
                ["destination_app"] = "curl",
                ["destination_version"] = "v1",
                ["destination_canonical_service"] = "curl",
                ["destination_canonical_revision"] = "v1",
                ["destination_cluster"] = "Kubernetes",
                ["destination_service"] = "echo.shop.svc.cluster.local",
                ["destination_service_name"] = "echo",
                ["destination_service_namespace"] = "shop",
                ["request_protocol"] = "http",
                ["response_code"] = "201",
                ["grpc_response_status"] = "",
                ["response_flags"] = "-",
                ["connection_security_policy"] = "none",
            },
            request.Labels);
    }

    [Fact]
    public async Task What_is_not_known_is_unknown()
    {
        await using var proxy = await ProxyUnderTest.StartAsync();
        using var measurements = new Measurements();
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
        await client.ReadMessageAsync();

        var request = await measurements.WaitAsync("istio_requests_total", ("response_flags", "NR"));
        Assert.Equal("404", request.Labels["response_code"]);
        Assert.Equal("unknown", request.Labels["source_workload"]);
        Assert.Equal("latest", request.Labels["source_canonical_revision"]);
        Assert.Equal("unknown", request.Labels["destination_service"]);
    }

    [Fact]
    public async Task A_tcp_connection_is_counted_when_it_opens_when_it_carries_and_when_it_closes()
    {
        var mesh = new MeshState();
        mesh.Workloads.Upsert(Pod("client", "curl"));
        using var metrics = new IstioMetrics(mesh);
        using var measurements = new Measurements();
        var connection = new TcpConnection(IPEndPoint.Parse("10.96.0.1:9090"), new IPEndPoint(IPAddress.Loopback, 4711), null, new TcpChain("tcp", new WeightedClusters([])));

        metrics.ConnectionOpened(connection);
        metrics.ConnectionCarried(connection, sent: 10, received: 20);
        connection.Flags = ResponseFlags.UpstreamConnectionFailure;
        metrics.ConnectionClosed(connection);

        var opened = await measurements.WaitAsync("istio_tcp_connections_opened_total", ("source_workload", "curl"));
        Assert.Equal("tcp", opened.Labels["request_protocol"]);
        Assert.DoesNotContain("response_code", opened.Labels.Keys);
        Assert.Equal(10, (await measurements.WaitAsync("istio_tcp_sent_bytes_total", ("request_protocol", "tcp"))).Value);
        Assert.Equal(20, (await measurements.WaitAsync("istio_tcp_received_bytes_total", ("request_protocol", "tcp"))).Value);
        Assert.Equal("UF", (await measurements.WaitAsync("istio_tcp_connections_closed_total", ("request_protocol", "tcp"))).Labels["response_flags"]);
    }

    [Fact]
    public async Task The_configuration_of_a_chain_changes_labels_and_switches_metrics_off()
    {
        var stats = Stats("""
            {"metrics": [
              {"name": "requests_total", "dimensions": {"host": "request.host", "destination_service": "'renamed'", "none": "request.headers['nope']"}, "tagsToRemove": ["request_protocol"]},
              {"dimensions": {"everywhere": "'yes'"}},
              {"name": "request_bytes", "drop": true}]}
            """);
        await using var backend = RawBackend.Answering("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(new HttpChain
        {
            Name = "chain",
            Routes = new RouteTable([RouteTo(Forward(backend.Address))]),
            Stats = stats,
        });
        using var measurements = new Measurements();
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
        await client.ReadMessageAsync();

        var (_, labels) = await measurements.WaitAsync("istio_requests_total", ("host", "shop.example"));
        Assert.Equal(("renamed", "unknown", "yes"), (labels["destination_service"], labels["none"], labels["everywhere"]));
        Assert.DoesNotContain("request_protocol", labels.Keys);
        (_, labels) = await measurements.WaitAsync("istio_response_bytes", ("response_code", "202"));
        Assert.Equal(("http", "yes"), (labels["request_protocol"], labels["everywhere"]));
        Assert.DoesNotContain("host", labels.Keys);
        Assert.False(measurements.Has("istio_request_bytes", ("response_code", "202")));
    }

    [Fact]
    public async Task Messages_of_grpc_are_counted_each_way()
    {
        const string Two = "\0\0\0\0\u0003abc\0\0\0\0\0";
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nContent-Length: 6\r\n\r\n\0\0\0\0\u0001x");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        using var measurements = new Measurements();
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync($"POST /a/b HTTP/1.1\r\nHost: echo\r\nContent-Type: application/grpc\r\nContent-Length: {Two.Length}\r\n\r\n{Two}");
        await client.ReadMessageAsync();

        Assert.Equal(2, (await measurements.WaitAsync("istio_request_messages_total", ("request_protocol", "grpc"))).Value);
        Assert.Equal(1, (await measurements.WaitAsync("istio_response_messages_total", ("request_protocol", "grpc"))).Value);
    }

    [Fact]
    public void The_messages_of_grpc_may_be_cut_anywhere()
    {
        byte[] two = [0, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 0];
        for (var cut = 0; cut <= two.Length; cut++)
        {
            var counter = new Proxy.Forwarding.GrpcMessageCounter();
            counter.Read(two.AsSpan(0, cut));
            counter.Read(two.AsSpan(cut));
            Assert.Equal(2, counter.Count);
        }
    }

    [Fact]
    public void An_expression_that_cannot_be_read_is_refused_with_its_metric_and_label()
    {
        var error = Assert.Throws<ResourceException>(() => Stats("""{"metrics": [{"name": "requests_total", "dimensions": {"host": "request.host =="}}]}"""));
        Assert.Contains("metric 'requests_total': dimensions['host']", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Buckets_come_from_the_annotation_for_the_prefixes_that_it_names()
    {
        var buckets = HistogramBuckets.Parse("""{"istiocustom":[1,5,10],"istiocustom.istio_request_bytes":[100,200]}""");
        Assert.Equal([1, 5, 10], buckets.For("istio_request_duration_milliseconds"));
        Assert.Equal([100, 200], buckets.For("istio_request_bytes"));
        Assert.Equal(0.5, HistogramBuckets.Default.For("istio_request_bytes")[0]);
        Assert.Throws<FormatException>(() => HistogramBuckets.Parse("""{"istiocustom":[5,1]}"""));
    }

    [Theory]
    [InlineData(ResponseFlags.None, "-")]
    [InlineData(ResponseFlags.NoRouteFound, "NR")]
    [InlineData(ResponseFlags.UpstreamRetryLimitExceeded | ResponseFlags.UpstreamConnectionFailure, "URX,UF")]
    internal void Flags_have_envoys_short_names(ResponseFlags flags, string expected) => Assert.Equal(expected, flags.ToShortNames());

    private static StatsSettings Stats(string json) => StatsTranslator.Translate(
        Any.Pack(new Udpa.Type.V1.TypedStruct { TypeUrl = "type.googleapis.com/stats.PluginConfig", Value = Struct.Parser.ParseJson(json) }),
        "istio.stats",
        new TranslationScope("test"));

    private static Workload Pod(string uid, string app) => new()
    {
        Uid = uid,
        Addresses = [IPAddress.Loopback],
        Namespace = "shop",
        ServiceAccount = app,
        WorkloadName = app,
        CanonicalName = app,
        CanonicalRevision = "v1",
        ClusterId = "Kubernetes",
    };

    /// <summary>What was measured while it listened, by anyone in this process: tests ask for labels that only they cause.</summary>
    private sealed class Measurements : IDisposable
    {
        private readonly List<(string Name, double Value, Dictionary<string, string> Labels)> _seen = [];
        private readonly SemaphoreSlim _changed = new(0);
        private readonly MeterListener _listener = new();

        public Measurements()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == IstioMetrics.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.Start();
        }

        public async Task<(double Value, Dictionary<string, string> Labels)> WaitAsync(string name, (string Name, string Value) label)
        {
            while (true)
            {
                lock (_seen)
                {
                    foreach (var (seen, value, labels) in _seen)
                    {
                        if (seen == name && labels.TryGetValue(label.Name, out var text) && text == label.Value)
                        {
                            return (value, labels);
                        }
                    }
                }

                Assert.True(await _changed.WaitAsync(TimeSpan.FromSeconds(10)), $"{name} with {label} was not measured.");
            }
        }

        public bool Has(string name, (string Name, string Value) label)
        {
            lock (_seen)
            {
                return _seen.Any(s => s.Name == name && s.Labels.GetValueOrDefault(label.Name) == label.Value);
            }
        }

        public void Dispose()
        {
            _listener.Dispose();
            _changed.Dispose();
        }

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var labels = new Dictionary<string, string>();
            foreach (var (name, text) in tags)
            {
                labels.Add(name, (string)text!);
            }

            lock (_seen)
            {
                _seen.Add((instrument.Name, value, labels));
            }

            _changed.Release();
        }
    }
}
