using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests;

/// <summary>Istio's canary of a waypoint: two of them share a service's connections, by an annotation.</summary>
[Trait("Needs", "cluster")]
public sealed class WeightedWaypointTests : IAsyncLifetime
{
    private const string Name = "weighted";

    private static readonly PodClient Client = new(Name, "client");

    private Manifest? _manifest;

    public async Task InitializeAsync()
    {
        await NodeAgent.InstallAsync();
        _manifest = await Manifest.ApplyAsync($$$$"""
            apiVersion: v1
            kind: Namespace
            metadata: {name: {{{{Name}}}}, labels: {istio.io/dataplane-mode: ambient}}
            ---
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata: {name: stable, namespace: {{{{Name}}}}, annotations: {sidecar.istio.io/proxyImage: "localhost/waypoint:dev"}}
            spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
            ---
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata: {name: canary, namespace: {{{{Name}}}}, annotations: {sidecar.istio.io/proxyImage: "localhost/waypoint:dev"}}
            spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
            ---
            apiVersion: v1
            kind: Service
            metadata:
              name: echo
              namespace: {{{{Name}}}}
              labels: {istio.io/use-waypoint: stable, istio.io/use-waypoint-canary: canary}
              annotations: {istio.io/use-waypoint-canary-weight: "20"}
            spec: {selector: {app: echo}, ports: [{name: http, port: 80, targetPort: 8080}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: echo, namespace: {{{{Name}}}}, labels: {app: echo}}
            spec:
              terminationGracePeriodSeconds: 0
              containers: [{name: echo, image: "localhost/echo:1", imagePullPolicy: Never}]
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: client, namespace: {{{{Name}}}}, labels: {app: client}}
            spec:
              terminationGracePeriodSeconds: 0
              containers: [{name: client, image: "localhost/echo:1", imagePullPolicy: Never}]
            """);
        await Eventually.TrueAsync(
            async () => (await Kubectl.RunAsync("-n", Name, "get", "deployments", "-o", "name")).Contains("canary", StringComparison.Ordinal),
            TimeSpan.FromSeconds(30), "istiod to render the waypoints");
        await Task.WhenAll(
            Kubectl.RolledOutAsync(Name, "deployment/stable"),
            Kubectl.RolledOutAsync(Name, "deployment/canary"),
            Kubectl.RunAsync("-n", Name, "wait", "--for=condition=Ready", "pod/client", "pod/echo", "--timeout=60s"));
    }

    public async Task DisposeAsync()
    {
        if (_manifest is not null)
        {
            await _manifest.DisposeAsync();
        }
    }

    [Fact]
    public async Task Connections_are_shared_by_weight_and_a_change_of_it_fails_none()
    {
        await Eventually.TrueAsync(
            async () =>
            {
                await Client.SendAsync("http://echo/", "--count=20");
                return await RequestsAsync("stable") > 0 && await RequestsAsync("canary") > 0;
            },
            TimeSpan.FromSeconds(30), "both waypoints to take requests");
        await TakesAsync(0.2);

        await Kubectl.RunAsync("-n", Name, "annotate", "service", "echo", "istio.io/use-waypoint-canary-weight=70", "--overwrite");
        var meanwhile = await Client.SendAsync("http://echo/", "--count=200", "--qps=100", "--timeout=30s");
        Assert.All(meanwhile, answer => Assert.Equal(200, answer.Status));
        await TakesAsync(0.7);
    }

    /// <summary>Checks what share of 400 connections the canary gets; four standard deviations are at most 0.1 of them.</summary>
    private static async Task TakesAsync(double share)
    {
        var stable = await RequestsAsync("stable");
        var canary = await RequestsAsync("canary");
        var answers = await Client.SendAsync("http://echo/", "--count=400", "--qps=200", "--timeout=30s");
        Assert.Equal(400, answers.Count);
        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        stable = await RequestsAsync("stable") - stable;
        canary = await RequestsAsync("canary") - canary;
        Assert.Equal(400, stable + canary);
        Assert.InRange(canary / 400, share - 0.1, share + 0.1);
    }

    private static async Task<double> RequestsAsync(string waypoint)
    {
        var pod = (await Kubectl.PodsAsync(Name, $"gateway.networking.k8s.io/gateway-name={waypoint}"))[0];
        return await Exposition.SumAsync(
            $"{pod.Address}:15020/stats/prometheus", "istio_requests_total", "destination_service", $"echo.{Name}.svc.cluster.local");
    }
}
