using Waypoint.Cluster.Tests.Clients;

namespace Waypoint.Cluster.Tests;

/// <summary>A real Prometheus finds what the dashboards that Istio ships ask of a waypoint.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class PrometheusTests(Shop shop)
{
    private const string Http = """reporter="waypoint",destination_service="echo.shop.svc.cluster.local",request_protocol="http" """;

    [Fact]
    public async Task Queries_of_Istios_dashboards_return_series()
    {
        await using var prometheus = await Prometheus.StartAsync($"{shop.Waypoint.Address}:15020");
        using var ended = new CancellationTokenSource();
        var traffic = Enum.GetValues<Carrier>().Select(carrier => TrafficAsync(shop.Client(carrier), ended.Token)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(14));
        await AskAsync(prometheus);
        await ended.CancelAsync();
        await Task.WhenAll(traffic);
    }

    /// <summary>Something of everything, all the time: the dashboards ask for rates between the last two scrapes.</summary>
    private static async Task TrafficAsync(MeshClient client, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            await client.SendAsync("http://echo:80/", "--count=20");
            await client.SendAsync("http://echo:80/?codes=503", "--count=2");
            await client.SendAsync("grpc://echo:7070", "--count=5");
            await client.SendAsync("tcp://echo:9090", "--count=5");
        }
    }

    private static async Task AskAsync(Prometheus prometheus)
    {
        // Service dashboard: rate, success rate, latency and sizes.
        await HasAsync(prometheus, $$"""round(sum(irate(istio_requests_total{{{Http}}}[1m])), 0.001)""");
        await HasAsync(prometheus, $$"""sum(irate(istio_requests_total{{{Http}},response_code!~"5.*"}[1m])) / sum(irate(istio_requests_total{{{Http}}}[1m]))""");
        foreach (var quantile in new[] { "0.50", "0.90", "0.99" })
        {
            await HasAsync(prometheus, $$"""histogram_quantile({{quantile}}, sum(irate(istio_request_duration_milliseconds_bucket{{{Http}}}[1m])) by (le))""");
        }

        await HasAsync(prometheus, $$"""histogram_quantile(0.50, sum(irate(istio_response_bytes_bucket{{{Http}}}[1m])) by (le))""");
        await HasAsync(prometheus, """sum(irate(istio_requests_total{reporter="waypoint",request_protocol="grpc",grpc_response_status="0"}[1m])) by (grpc_response_status)""");
        await HasAsync(prometheus, """sum(irate(istio_tcp_received_bytes_total{reporter="waypoint",destination_service="echo.shop.svc.cluster.local"}[1m]))""");
        await HasAsync(prometheus, """sum(irate(istio_tcp_sent_bytes_total{reporter="waypoint",destination_service="echo.shop.svc.cluster.local"}[1m]))""");
        await HasAsync(prometheus, """sum(istio_tcp_connections_opened_total{reporter="waypoint"}) by (destination_service)""");
        await HasAsync(prometheus, """sum(istio_build{component="proxy"}) by (tag)""");

        // Workload dashboard: who spoke to whom, and how well protected.
        foreach (var policy in new[] { "mutual_tls", "none" })
        {
            var series = await HasAsync(
                prometheus,
                $$"""
                sum(increase(istio_requests_total{{{Http}},connection_security_policy="{{policy}}",response_code="200"}[1m])) by (source_workload,
                  source_workload_namespace, source_principal, source_canonical_service, destination_workload, destination_workload_namespace,
                  destination_principal, destination_service_name, destination_service_namespace, destination_canonical_service,
                  destination_canonical_revision, response_flags)
                """);
            Assert.All(series, s =>
            {
                // The tunnel begins on the node here, at an address that belongs to no workload; ztunnel's begins in the pod.
                Assert.Equal(policy == "none" ? ("client", Shop.Name) : ("unknown", "unknown"), (s.Labels["source_workload"], s.Labels["source_workload_namespace"]));
                Assert.Equal("spiffe://cluster.local/ns/shop/sa/client", s.Labels["source_principal"]);
                Assert.StartsWith("echo-v", s.Labels["destination_workload"], StringComparison.Ordinal);
                Assert.Equal(("echo", Shop.Name), (s.Labels["destination_service_name"], s.Labels["destination_service_namespace"]));
                Assert.Equal("spiffe://cluster.local/ns/shop/sa/default", s.Labels["destination_principal"]);
                Assert.Equal("echo", s.Labels["destination_canonical_service"]);
                Assert.Equal(s.Labels["destination_workload"], $"echo-{s.Labels["destination_canonical_revision"]}");
                Assert.Equal("-", s.Labels["response_flags"]);
            });
            Assert.Equal(["echo-v1", "echo-v2"], series.Select(s => s.Labels["destination_workload"]).Order());
        }
    }

    private static async Task<IReadOnlyList<Series>> HasAsync(Prometheus prometheus, string query)
    {
        // Those at 0 are of requests of an earlier time: other tests' workloads, tags, codes.
        var series = (await prometheus.QueryAsync(query)).Where(s => s.Value > 0).ToList();
        Assert.True(series.Count > 0, $"no series: {query}");
        return series;
    }
}
