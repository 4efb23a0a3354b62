using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;
using Xunit.Abstractions;

namespace Waypoint.Cluster.Tests;

/// <summary>Whatever changes in the cluster, no request fails.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class ChangesUnderLoadTests(Shop shop, ITestOutputHelper output)
{
    private const int Rate = 220;

    [Fact]
    public async Task No_request_fails_while_routes_waypoints_istiod_agent_and_backends_change()
    {
        var duration = TimeSpan.FromSeconds(110);
        await using var canary = await Manifest.ApplyAsync(Canary(0));
        await using var load = await SteadyLoad.StartAsync("http://echo:80/", Rate, duration);
        for (var share = 10; share <= 100; share += 10)
        {
            await StepAsync($"canary {share} %", () => Kubectl.ApplyAsync(Canary(share)));
            await Task.Delay(500);
        }

        await StepAsync("two waypoints", () => ScaleAsync(2));
        await StepAsync("waypoints rolled", async () =>
        {
            await Kubectl.RunAsync("-n", Shop.Name, "rollout", "restart", "deployment/waypoint");
            await Kubectl.RolledOutAsync(Shop.Name, "deployment/waypoint");
        });
        await StepAsync("three waypoints", () => ScaleAsync(3));
        await StepAsync("one waypoint", () => ScaleAsync(1));
        await StepAsync("istiod restarted", async () =>
        {
            await Kubectl.RunAsync("-n", "istio-system", "rollout", "restart", "deployment/istiod");
            await Kubectl.RolledOutAsync("istio-system", "deployment/istiod");
        });
        await StepAsync("node agent deleted and back", async () =>
        {
            await Kubectl.RunAsync("-n", NodeAgent.Namespace, "delete", "daemonset", NodeAgent.Name);
            await Task.Delay(2000);
            await NodeAgent.InstallAsync();
        });
        await StepAsync("backends killed", async () =>
        {
            await Kubectl.RunAsync("-n", Shop.Name, "scale", "deployment/echo-v2", "--replicas=2");
            await Kubectl.RolledOutAsync(Shop.Name, "deployment/echo-v2");
            var victim = (await Kubectl.PodsAsync(Shop.Name, "app=echo,version=v2"))[0];
            await Kubectl.RunAsync("-n", Shop.Name, "delete", "pod", victim.Name, "--grace-period=0", "--force");
            await Kubectl.RolledOutAsync(Shop.Name, "deployment/echo-v2");
        });

        var result = await SteadyLoad.EndAsync(duration);
        output.WriteLine($"{result}");
        await Kubectl.RunAsync("-n", Shop.Name, "scale", "deployment/echo-v2", "--replicas=1");
        await shop.WaypointAsync();
        Assert.True(result.Failed == 0, $"{result}\n{result.Failures}");
        Assert.True(result.Requests >= 20_000, $"{result}");
    }

    private async Task StepAsync(string what, Func<Task> step)
    {
        var start = DateTime.UtcNow;
        await step();
        output.WriteLine($"{start:HH:mm:ss.f} {what}: {(DateTime.UtcNow - start).TotalSeconds:0.0} s");
    }

    private static async Task ScaleAsync(int replicas)
    {
        await Kubectl.RunAsync("-n", Shop.Name, "scale", "deployment/waypoint", $"--replicas={replicas}");
        await Kubectl.RolledOutAsync(Shop.Name, "deployment/waypoint");
        await Task.Delay(1000);
    }

    // Retried on reset too: a killed backend breaks off what it was answering.
    private static string Canary(int share) =>
        $$$"""
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {name: shares, namespace: shop}
        spec:
          hosts: [echo.shop.svc.cluster.local]
          http:
          - retries: {attempts: 3, retryOn: "connect-failure,refused-stream,reset,gateway-error"}
            route:
            - {destination: {host: echo-v1.shop.svc.cluster.local, port: {number: 80}}, weight: {{{100 - share}}} }
            - {destination: {host: echo-v2.shop.svc.cluster.local, port: {number: 80}}, weight: {{{share}}} }
        """;
}
