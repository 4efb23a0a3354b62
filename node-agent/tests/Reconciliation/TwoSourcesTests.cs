using Istio.Workload;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.NodeAgent.Tests.Maps;
using Waypoint.NodeAgent.Tests.Workloads;
using Waypoint.NodeAgent.Workloads;
using Pod = Waypoint.NodeAgent.Engine.Pod;

namespace Waypoint.NodeAgent.Tests.Reconciliation;

/// <summary>Two who tell of services, in whatever order they come to speak, before and after a restart.</summary>
public sealed class TwoSourcesTests
{
    private readonly InMemoryKernelMaps _maps = new();
    private Reconciler _reconciler;

    public TwoSourcesTests() => _reconciler = Start();

    [Fact]
    public void Services_are_served_before_there_is_a_mesh()
    {
        Cluster("10.96.0.1", "10.0.0.1");

        Assert.True(_reconciler.Served.IsCompleted);
        Assert.False(_reconciler.Synchronized.IsCompleted);
        Assert.Equal("[10.0.0.1:8080] for all", Read("10.96.0.1"));

        Cluster("10.96.0.1", "10.0.0.2");
        Assert.Equal("[10.0.0.2:8080] for all", Read("10.96.0.1"));

        _reconciler.ApplyCluster([], ["shop/echo"]);
        Assert.Equal(KernelReader.Untouched, Read("10.96.0.1"));
        Assert.Empty(_maps.Services.Entries);
    }

    [Fact]
    public void The_mesh_takes_over_without_a_gap_and_gives_back_what_it_no_longer_knows()
    {
        Cluster("10.96.0.1", "10.0.0.1");
        _maps.Step = () => Assert.EndsWith("] for all", Read("10.96.0.1"), StringComparison.Ordinal);

        uint number = Assert.Single(_maps.Services.Entries.Keys);
        Mesh(Wds.Workload("a", "10.0.0.9", "echo"), Wds.Service("echo", "10.96.0.1", 80, 8080));
        Assert.Equal("[10.0.0.9:8080] for all", Read("10.96.0.1"));
        Assert.Equal(number, Assert.Single(_maps.Services.Entries.Keys));

        Cluster("10.96.0.1", "10.0.0.2");
        Assert.Equal("[10.0.0.9:8080] for all", Read("10.96.0.1"));

        _reconciler.Apply([], [MeshBuilder.KeyOf("echo")]);
        Assert.Equal("[10.0.0.2:8080] for all", Read("10.96.0.1"));
        Assert.Empty(_reconciler.Read(state => state.Writer.Difference()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_restart_loses_nothing_whoever_speaks_first(bool clusterFirst)
    {
        Cluster("10.96.0.1", "10.0.0.1");
        Cluster("10.96.0.2", "10.0.0.2", "other");
        Mesh(Wds.Workload("a", "10.0.0.9", "echo"), Wds.Workload("w", "10.0.0.8", "waypoint"), Wds.Service("echo", "10.96.0.1", 80, 8080, "waypoint"));
        Assert.Equal("waypoint [10.0.0.8:15088], [10.0.0.9:8080] for all", Read("10.96.0.1"));
        int services = _maps.Services.Entries.Count;

        _reconciler = Start();
        _maps.Step = () =>
        {
            Assert.Equal("waypoint [10.0.0.8:15088], [10.0.0.9:8080] for all", Read("10.96.0.1"));
            Assert.Equal("[10.0.0.2:8080] for all", Read("10.96.0.2"));
        };
        Action cluster = () => _reconciler.ApplyCluster([Service("10.96.0.1", "10.0.0.1"), Service("10.96.0.2", "10.0.0.2", "other")], []);
        Action mesh = () => Mesh(
            Wds.Workload("a", "10.0.0.9", "echo"), Wds.Workload("w", "10.0.0.8", "waypoint"), Wds.Service("echo", "10.96.0.1", 80, 8080, "waypoint"));
        (clusterFirst ? cluster : mesh)();
        _maps.Step();
        (clusterFirst ? mesh : cluster)();
        _maps.Step();

        Assert.Equal(services, _maps.Services.Entries.Count);
        Assert.Empty(_reconciler.Read(state => state.Writer.Difference()));
    }

    [Fact]
    public void After_a_restart_without_the_mesh_endpoints_are_followed_but_never_past_a_waypoint()
    {
        Cluster("10.96.0.1", "10.0.0.1");
        Cluster("10.96.0.2", "10.0.0.2", "other");
        Mesh(Wds.Workload("w", "10.0.0.8", "waypoint"), Wds.Service("echo", "10.96.0.1", 80, 8080, "waypoint"));

        _reconciler = Start();
        _reconciler.ApplyCluster([Service("10.96.0.1", "10.0.0.3"), Service("10.96.0.2", "10.0.0.4", "other")], []);
        Assert.Equal("[10.0.0.4:8080] for all", Read("10.96.0.2"));
        Assert.Equal("waypoint [10.0.0.8:15088], [] for all", Read("10.96.0.1"));

        // The mesh is there no more.
        Mesh();
        Assert.Equal("[10.0.0.3:8080] for all", Read("10.96.0.1"));
        Assert.Empty(_reconciler.Read(state => state.Writer.Difference()));
    }

    [Fact]
    public void What_is_no_cluster_address_any_more_is_for_enrolled_pods_only()
    {
        Cluster("10.96.0.1", "10.0.0.1");
        Mesh(Wds.Workload("a", "10.0.0.9", "echo"), Wds.Service("echo", "10.96.0.1", 80, 8080));

        _reconciler = Start();
        Mesh(Wds.Workload("a", "10.0.0.9", "echo"), Wds.Service("echo", "10.96.0.1", 80, 8080));
        Assert.Equal("[10.0.0.9:8080] for all", Read("10.96.0.1"));
        _reconciler.ApplyCluster([], []);
        Assert.Equal("[10.0.0.9:8080]", Read("10.96.0.1"));
    }

    [Fact]
    public void Before_the_mesh_speaks_an_adopted_waypoint_stays_one()
    {
        _maps.Pods.Entries[4711] = new Pod(PodFlags.Waypoint, 0, InternetAddress.Parse("10.0.0.8").ToKernel(), default);
        _reconciler = Start();
        Cluster("10.96.0.1", "10.0.0.1");
        Assert.Equal(PodFlags.Waypoint, _maps.Pods.Entries[4711].Flags);

        Assert.True(_reconciler.Unenrol(4711));
        Assert.Empty(_maps.Pods.Entries);
        Mesh();
        Assert.Empty(_maps.Pods.Entries);
    }

    [Fact]
    public void Where_the_kube_proxy_is_back_nothing_is_served_to_all()
    {
        Cluster("10.96.0.1", "10.0.0.1");
        Cluster("10.96.0.2", "10.0.0.2", "other");
        Mesh(Wds.Workload("a", "10.0.0.9", "echo"), Wds.Service("echo", "10.96.0.1", 80, 8080));

        _reconciler = new Reconciler(MeshBuilder.Node, _maps, NullLogger<Reconciler>.Instance);
        Mesh(Wds.Workload("a", "10.0.0.9", "echo"), Wds.Service("echo", "10.96.0.1", 80, 8080));

        Assert.Equal("[10.0.0.9:8080]", Read("10.96.0.1"));
        Assert.Equal(KernelReader.Untouched, Read("10.96.0.2"));
    }

    private Reconciler Start() => new(MeshBuilder.Node with { ReplacesKubeProxy = true }, _maps, NullLogger<Reconciler>.Instance);

    private void Cluster(string address, string endpoint, string name = "echo") => _reconciler.ApplyCluster([Service(address, endpoint, name)], []);

    private static ClusterService Service(string address, string endpoint, string name = "echo") => new(
        $"shop/{name}", [InternetAddress.Parse(address)], [new ClusterServicePort(80, [new ClusterEndpoint(InternetAddress.Parse(endpoint), 8080)])]);

    private void Mesh(params KeyValuePair<string, Address>[] resources) => Assert.Empty(_reconciler.Apply(resources, []));

    /// <summary>What an enrolled pod is given and, when it is another, what the others are.</summary>
    private string Read(string address)
    {
        var key = new FrontendKey(InternetAddress.Parse(address).ToKernel(), NetworkPort.From(80), TransportProtocol.Tcp);
        string enrolled = KernelReader.Read(_maps, key);
        if (!_maps.Frontends.Entries.TryGetValue(key, out Frontend frontend)
            || !_maps.Services.Entries.TryGetValue(frontend.Service, out NodeAgent.Engine.Service service)
            || !service.Flags.HasFlag(ServiceFlags.ForAll))
        {
            return enrolled;
        }

        return (service.Waypoint == 0 ? enrolled : $"{enrolled}, {KernelReader.Slots(_maps, service)}") + " for all";
    }
}
