using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Workloads;
using static Waypoint.NodeAgent.Tests.Workloads.MeshBuilder;

namespace Waypoint.NodeAgent.Tests.Intent;

/// <summary>What the Kubernetes API says of services, and who is right when the mesh's control plane says something too.</summary>
public sealed class ClusterServiceCompilerTests
{
    [Fact]
    public void A_service_that_the_mesh_does_not_know_is_served_to_all_in_both_families()
    {
        WorkloadStore store = Store();
        Put(store, "10.96.0.1 fd00::96", "10.0.0.2:8080 10.0.0.1:8080 10.0.0.1:8080 fd00::1:8080");

        Assert.Equal(
            ["10.96.0.1:80 -> 10.0.0.1:8080, 10.0.0.2:8080 for all", "fd00::96:80 -> fd00::1:8080 for all"],
            Describe(store, new UnitKey(UnitKind.ClusterService, "shop/echo")));
    }

    [Fact]
    public void Without_an_endpoint_it_refuses()
    {
        WorkloadStore store = Store();
        Put(store, "10.96.0.1", "");

        Assert.Equal(["10.96.0.1:80 ->  for all"], Describe(store, new UnitKey(UnitKind.ClusterService, "shop/echo")));
    }

    [Fact]
    public void For_an_address_that_the_mesh_knows_its_word_counts_and_it_is_served_to_all()
    {
        WorkloadStore store = Store(Service("echo", "10.96.0.1", Port(80, 9090)), Workload("a", "10.0.0.9", "echo"));
        Put(store, "10.96.0.1 fd00::96", "10.0.0.1:8080 fd00::1:8080");

        Assert.Equal(["10.96.0.1:80 -> 10.0.0.9:9090 for all"], Describe(store, new UnitKey(UnitKind.Service, KeyOf("echo"))));
        Assert.Equal(["fd00::96:80 -> fd00::1:8080 for all"], Describe(store, new UnitKey(UnitKind.ClusterService, "shop/echo")));
    }

    [Fact]
    public void Behind_a_waypoint_are_the_endpoints_for_those_who_are_not_enrolled()
    {
        WorkloadStore store = Store(Service("echo", "10.96.0.1", Port(80, 9090)).Through("waypoint"), Workload("a", "10.0.0.9", "echo"));
        Put(store, "10.96.0.1", "10.0.0.1:8080");

        Assert.Equal(
            ["10.96.0.1:80 -> waypoint, 10.0.0.9:9090 for all", "10.96.0.1:0 -> waypoint"],
            Describe(store, new UnitKey(UnitKind.Service, KeyOf("echo"))));
    }

    [Fact]
    public void What_only_the_mesh_knows_is_for_enrolled_pods_only()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 9090)),
            Service("routed", "10.96.0.2", Port(80, 9090)).Through("waypoint"),
            Workload("a", "10.0.0.9", "echo", "routed"));

        Assert.Equal(["10.96.0.1:80 -> 10.0.0.9:9090"], Describe(store, new UnitKey(UnitKind.Service, KeyOf("echo"))));
        Assert.Equal(["10.96.0.2:80 -> waypoint", "10.96.0.2:0 -> waypoint"], Describe(store, new UnitKey(UnitKind.Service, KeyOf("routed"))));
    }

    private static void Put(WorkloadStore store, string addresses, string endpoints) => store.Cluster.Put(
        new ClusterService(
            "shop/echo",
            [.. addresses.Split(' ').Select(InternetAddress.Parse)],
            [new ClusterServicePort(80, [.. endpoints.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(endpoint => new ClusterEndpoint(
                InternetAddress.Parse(endpoint[..endpoint.LastIndexOf(':')]),
                ushort.Parse(endpoint[(endpoint.LastIndexOf(':') + 1)..], System.Globalization.CultureInfo.InvariantCulture)))])]),
        new StoreChanges());

    private static string[] Describe(WorkloadStore store, UnitKey key)
    {
        Unit unit = Assert.IsType<Unit>(IntentCompiler.Compile(store, key));
        return [.. unit.Frontends.Select(frontend =>
            $"{frontend.Key.Addr}:{frontend.Key.Port} -> {Describe(unit.Entries.Single(entry => entry.Key == frontend.Value))}")];
    }

    private static string Describe(Entry entry) =>
        string.Join(", ", entry.Slots.Select(slot => $"{slot.Addr}:{slot.Port}").Prepend(entry.Waypoint is null ? null : "waypoint").OfType<string>())
        + (entry.ForAll ? " for all" : "");
}
