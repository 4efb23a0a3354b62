using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;
using Waypoint.TestBed.Mesh;

namespace Waypoint.Cluster.Tests;

/// <summary>
/// A namespace of a real cluster, put under Istio's control and our data plane as the README tells users to: four commands. It stays for
/// all tests; each leaves it as it was.
/// </summary>
public sealed class Shop : IAsyncLifetime
{
    public const string Name = "shop";

    private readonly Dictionary<string, string> _addresses = [];
    private Certificates? _certificates;

    /// <summary>From the scheduling of the waypoint's pod to its readiness, in whole seconds, as Kubernetes noted them.</summary>
    public TimeSpan WaypointReadyAfter { get; private set; }

    /// <summary>The waypoint's pod; there is one unless a test scales it.</summary>
    internal PodInfo Waypoint { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await Kubectl.ApplyAsync(await File.ReadAllTextAsync(Path.Combine(Programs.RepositoryRoot, "tests", "cluster", "config", "shop.yaml")));

        await Kubectl.RunAsync("label", "namespace", Name, "istio.io/dataplane-mode=ambient", "--overwrite");
        await Tool.RunAsync("istioctl", "waypoint", "apply", "-n", Name, "--enroll-namespace");
        await Kubectl.RunAsync("-n", Name, "annotate", "gateway", "waypoint", "sidecar.istio.io/proxyImage=localhost/waypoint:dev", "--overwrite");
        await Kubectl.ApplyAsync(await NodeAgent.ManifestAsync());

        await Task.WhenAll(
            Kubectl.RolledOutAsync(Name, "deployment/echo-v1"),
            Kubectl.RolledOutAsync(Name, "deployment/echo-v2"),
            Kubectl.RunAsync("-n", Name, "wait", "--for=condition=Ready", "pod/client", "--timeout=60s"),
            Kubectl.RolledOutAsync(NodeAgent.Namespace, $"daemonset/{NodeAgent.Name}"));
        await WaypointAsync();
        WaypointReadyAfter = Waypoint.Since("Ready") - Waypoint.Since("PodScheduled");

        foreach (var service in (await Kubectl.GetAsync(Name, "services"))["items"]!.AsArray())
        {
            _addresses[(string)service!["metadata"]!["name"]!] = (string)service["spec"]!["clusterIP"]!;
        }

        _certificates = await Certificates.OfAsync(Name, "client");
        await Client(Carrier.Kernel).UntilAsync(r => r.Status == 200 && r.RequestHeader("X-Request-Id") is not null, "http://echo:80/");
    }

    public Task DisposeAsync()
    {
        _certificates?.Dispose();
        return Task.CompletedTask;
    }

    internal MeshClient Client(Carrier carrier) => carrier == Carrier.Kernel
        ? new PodClient(Name, "client")
        : new HboneClient(_certificates!.Folder, () => Waypoint.Address, AddressOf);

    /// <summary>The address of a service; what is none of the namespace's is an address already.</summary>
    internal string AddressOf(string service) => _addresses.GetValueOrDefault(service, service);

    /// <summary>What the waypoint tells Prometheus.</summary>
    internal Task<string> MetricsAsync() => Tool.RunAsync("curl", "-s", "--max-time", "5", $"http://{Waypoint.Address}:15020/stats/prometheus");

    /// <summary>Waits until the waypoint runs our image, and looks its pod up anew.</summary>
    internal async Task<PodInfo> WaypointAsync()
    {
        await Eventually.TrueAsync(
            async () => (await Kubectl.RunAsync("-n", Name, "get", "deployment", "waypoint", "--ignore-not-found", "-o", "jsonpath={..image}"))
                .Contains("localhost/waypoint:dev", StringComparison.Ordinal),
            TimeSpan.FromSeconds(30),
            "a waypoint with our image");
        await Kubectl.RolledOutAsync(Name, "deployment/waypoint");
        return Waypoint = (await Kubectl.PodsAsync(Name, "gateway.networking.k8s.io/gateway-name=waypoint"))[0];
    }

    /// <summary>Applies a scenario of those that a real istiod was recorded with, until it is disposed.</summary>
    internal static Task<Manifest> ScenarioAsync(string name) => Manifest.ApplyAsync(
        File.ReadAllText(Path.Combine(Environment.GetEnvironmentVariable("WAYPOINT_SHARED") ?? "", "fixtures", "istio", "scenarios", $"{name}.yaml")));
}

/// <summary>The tests of one namespace share it.</summary>
[CollectionDefinition(Shop.Name)]
public sealed class ShopTests : ICollectionFixture<Shop>;
