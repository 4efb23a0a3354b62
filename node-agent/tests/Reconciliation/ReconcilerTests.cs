using Istio.Workload;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.NodeAgent.Tests.Maps;
using Waypoint.NodeAgent.Tests.Workloads;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Tests.Reconciliation;

public sealed class ReconcilerTests
{
    private readonly InMemoryKernelMaps _maps = new();
    private Reconciler _reconciler;

    public ReconcilerTests() => _reconciler = Start();

    [Fact]
    public void A_workload_may_come_before_its_service()
    {
        Apply(Wds.Workload("a", "10.0.0.1", "echo"));
        Apply(Wds.Service("echo", "10.96.0.1", 80, 8080));

        Assert.Equal("[10.0.0.1:8080]", Read("10.96.0.1"));
    }

    [Fact]
    public void A_service_that_is_replaced_keeps_its_endpoints()
    {
        Apply(Wds.Workload("a", "10.0.0.1", "echo"), Wds.Service("echo", "10.96.0.1", 80, 8080));
        Apply(Wds.Service("echo", "10.96.0.2", 80, 9090));

        Assert.Equal(KernelReader.Untouched, Read("10.96.0.1"));
        Assert.Equal("[10.0.0.1:9090]", Read("10.96.0.2"));
    }

    [Fact]
    public void A_service_that_comes_back_finds_its_endpoints()
    {
        Apply(Wds.Workload("a", "10.0.0.1", "echo"), Wds.Service("echo", "10.96.0.1", 80, 8080));
        Remove(MeshBuilder.KeyOf("echo"));
        Assert.Equal(KernelReader.Untouched, Read("10.96.0.1"));

        Apply(Wds.Service("echo", "10.96.0.1", 80, 8080));
        Assert.Equal("[10.0.0.1:8080]", Read("10.96.0.1"));
    }

    [Fact]
    public void A_workload_is_removed_from_all_its_services()
    {
        Apply(
            Wds.Workload("a", "10.0.0.1", "echo", "other"),
            Wds.Service("echo", "10.96.0.1", 80, 8080),
            Wds.Service("other", "10.96.0.2", 80, 8080));
        Remove(MeshBuilder.UidOf("a"));

        Assert.Equal(("[]", "[]"), (Read("10.96.0.1"), Read("10.96.0.2")));
    }

    [Fact]
    public void A_bad_resource_is_named_and_its_last_good_version_stays_while_the_others_come_into_force()
    {
        Apply(Wds.Workload("a", "10.0.0.1", "echo"), Wds.Service("echo", "10.96.0.1", 80, 8080));

        IReadOnlyList<KeyValuePair<string, string>> rejected = Apply(
            Wds.Service("echo", "10.96.0.9", 80, 99999),
            Wds.Workload("b", "10.0.0.2", "echo"));

        Assert.Equal([new(MeshBuilder.KeyOf("echo"), "ports[0].target_port: 99999 is no port (1 to 65535)")], rejected);
        Assert.Equal("[10.0.0.1:8080 10.0.0.2:8080]", Read("10.96.0.1"));
        Assert.Equal(1, _reconciler.Read(state => state.Rejected.Count));

        Assert.Empty(Apply(Wds.Service("echo", "10.96.0.9", 80, 8080)));
        Assert.Equal("[10.0.0.1:8080 10.0.0.2:8080]", Read("10.96.0.9"));
        Assert.Equal(0, _reconciler.Read(state => state.Rejected.Count));
    }

    [Fact]
    public void Nothing_is_deleted_before_the_control_plane_has_spoken()
    {
        Apply(Wds.Workload("a", "10.0.0.1", "echo"), Wds.Service("echo", "10.96.0.1", 80, 8080));
        _reconciler = Start();
        _reconciler.Sweep(new HashSet<ulong>());
        Assert.Equal("[10.0.0.1:8080]", Read("10.96.0.1"));
        Assert.False(_reconciler.Synchronized.IsCompleted);

        Apply();
        Assert.Equal(KernelReader.Untouched, Read("10.96.0.1"));
        Assert.True(_reconciler.Synchronized.IsCompleted);
    }

    [Fact]
    public void A_restart_with_a_bad_resource_leaves_what_it_may_have_meant()
    {
        Apply(Wds.Workload("a", "10.0.0.1", "echo"), Wds.Service("echo", "10.96.0.1", 80, 8080));
        _reconciler = Start();
        Apply(Wds.Workload("a", "10.0.0.1", "echo"), Wds.Service("echo", "10.96.0.1", 80, 99999));
        Assert.Equal("[10.0.0.1:8080]", Read("10.96.0.1"));

        Remove(MeshBuilder.KeyOf("echo"));
        Assert.Equal(KernelReader.Untouched, Read("10.96.0.1"));
    }

    [Fact]
    public void A_pod_that_an_earlier_life_enrolled_is_enrolled_still_and_follows_the_mesh()
    {
        KernelAddress address = InternetAddress.Parse("10.0.0.9").ToKernel();
        _maps.Pods.Entries[4711] = new Pod(PodFlags.None, 0, address, default);
        _reconciler = Start();
        Apply(Wds.Workload("w", "10.0.0.9", "waypoint"), Wds.Service("echo", "10.96.0.1", 80, 8080, "waypoint"));

        Assert.Equal(PodFlags.Waypoint, _maps.Pods.Entries[4711].Flags);
        Assert.True(_reconciler.Unenrol(4711));
        Assert.Empty(_maps.Pods.Entries);
        Assert.False(_reconciler.Unenrol(4711));
    }

    [Fact]
    public void A_pod_is_dropped_when_its_namespace_is_gone_for_two_sweeps()
    {
        _maps.Pods.Entries[1] = new Pod(PodFlags.None, 0, InternetAddress.Parse("10.0.0.1").ToKernel(), default);
        _maps.Pods.Entries[2] = new Pod(PodFlags.None, 0, InternetAddress.Parse("10.0.0.2").ToKernel(), default);
        _reconciler = Start();

        _reconciler.Sweep(new HashSet<ulong> { 1 });
        _reconciler.Sweep(new HashSet<ulong> { 1, 2 });
        _reconciler.Sweep(new HashSet<ulong> { 1 });
        Assert.Equal(2, _maps.Pods.Entries.Count);

        // Not to know what lives is not to know that it ended.
        _reconciler.Sweep(null);
        Assert.Equal(2, _maps.Pods.Entries.Count);

        _reconciler.Sweep(new HashSet<ulong> { 1 });
        Assert.Equal(1ul, Assert.Single(_maps.Pods.Entries.Keys));
    }

    private Reconciler Start() => new(MeshBuilder.Node, _maps, NullLogger<Reconciler>.Instance);

    private IReadOnlyList<KeyValuePair<string, string>> Apply(params KeyValuePair<string, Address>[] resources) => _reconciler.Apply(resources, []);

    private void Remove(params string[] names) => _reconciler.Apply([], names);

    private string Read(string address) => KernelReader.Read(
        _maps, new FrontendKey(InternetAddress.Parse(address).ToKernel(), NetworkPort.From(80), TransportProtocol.Tcp));
}
