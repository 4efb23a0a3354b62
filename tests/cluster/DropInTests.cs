using System.Text.Json.Nodes;
using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests;

/// <summary>The four commands of the README, and what Istio's own tools say afterwards.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class DropInTests(Shop shop)
{
    [Fact]
    public void The_waypoint_is_ready_within_ten_seconds_of_scheduling() =>
        Assert.InRange(shop.WaypointReadyAfter, TimeSpan.Zero, TimeSpan.FromSeconds(10));

    [Fact]
    public void The_pod_runs_as_istiod_renders_it()
    {
        var container = shop.Waypoint.Object["spec"]!["containers"]![0]!;
        var context = container["securityContext"]!;
        Assert.Equal("localhost/waypoint:dev", (string)container["image"]!);
        Assert.Equal(1337, (int)context["runAsUser"]!);
        Assert.True((bool)context["readOnlyRootFilesystem"]!);
        Assert.False((bool)context["allowPrivilegeEscalation"]!);
        Assert.Equal("ALL", (string)context["capabilities"]!["drop"]![0]!);
        Assert.Equal(0, (int)shop.Waypoint.Object["status"]!["containerStatuses"]![0]!["restartCount"]!);
    }

    [Fact]
    public async Task Istioctl_lists_the_waypoint_in_step_with_istiod()
    {
        var status = JsonNode.Parse(await Kubectl.RunAsync(
            "-n", "istio-system", "exec", "deploy/istiod", "--", "pilot-discovery", "request", "GET", "/debug/syncz"))!;
        var proxy = status.AsArray().Single(p => ((string)p!["proxy"]!).StartsWith(shop.Waypoint.Name, StringComparison.Ordinal))!;
        foreach (var type in new[] { "cluster", "listener", "endpoint" })
        {
            Assert.Equal((string?)proxy[$"{type}_sent"], (string?)proxy[$"{type}_acked"]);
            Assert.NotNull((string?)proxy[$"{type}_acked"]);
        }

        Assert.Contains($"{shop.Waypoint.Name}.{Shop.Name}", await Tool.RunAsync("istioctl", "proxy-status"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Istioctl_says_that_the_waypoint_is_programmed()
    {
        var status = await Tool.RunAsync("istioctl", "waypoint", "status", "-n", Shop.Name, "--waypoint-timeout", "10s");
        Assert.Matches("waypoint +True +Programmed", status);
    }

    [Fact]
    public async Task A_service_knows_that_it_is_bound_to_the_waypoint()
    {
        var service = await Kubectl.GetAsync(Shop.Name, "service", "echo");
        var bound = service["status"]!["conditions"]!.AsArray().Single(c => (string)c!["type"]! == "istio.io/WaypointBound")!;
        Assert.Equal("True", (string)bound["status"]!);
    }

    [Fact]
    public async Task The_waypoint_reports_no_unsupported_feature_for_a_plain_namespace()
    {
        var metrics = await shop.MetricsAsync();
        Assert.Contains("istio_build", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain(
            metrics.Split('\n'),
            l => l.StartsWith("waypoint_unsupported_features{", StringComparison.Ordinal) && !l.EndsWith(" 0", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Every_protocol_passes(Carrier carrier)
    {
        var client = shop.Client(carrier);
        Assert.Equal(200, (await client.GetAsync("http://echo:80/")).Status);
        Assert.Equal(200, (await client.GetAsync("http://echo:80/", "--http2")).Status);
        Assert.Equal(200, (await client.GetAsync("grpc://echo:7070")).Status);
        Assert.Equal("13", (await client.GetAsync("ws://echo:80/")).RequestHeader("Sec-Websocket-Version"));
        Assert.Equal(200, (await client.GetAsync("http://echo:9999/")).Status);
        Assert.Equal(200, (await client.GetAsync("tcp://echo:9090")).Status);
    }
}
