using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Tests.Workloads;
using Waypoint.NodeAgent.Workloads;
using static Waypoint.NodeAgent.Tests.Workloads.MeshBuilder;
using Service = Waypoint.NodeAgent.Workloads.Service;

namespace Waypoint.NodeAgent.Tests.Intent;

public sealed class IntentCompilerTests
{
    [Fact]
    public void A_port_of_a_service_leads_to_its_workloads_at_their_target_port()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 8080)),
            Workload("b", "10.0.0.2", "echo"),
            Workload("a", "10.0.0.1", "echo"));

        Assert.Equal(["10.96.0.1:80 -> 10.0.0.1:8080, 10.0.0.2:8080"], Describe(store, "echo"));
    }

    [Fact]
    public void A_workload_knows_its_own_named_port_better_than_the_service()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 0), Port(81, 8081)),
            Workload("a", "10.0.0.1").WithPorts("echo", Port(80, 3000), Port(81, 3001)),
            Workload("b", "10.0.0.2").WithPorts("echo", Port(80, 4000)));

        Assert.Equal(
            ["10.96.0.1:80 -> 10.0.0.1:3000, 10.0.0.2:4000", "10.96.0.1:81 -> 10.0.0.1:3001, 10.0.0.2:8081"],
            Describe(store, "echo"));
    }

    [Fact]
    public void A_workload_without_the_named_port_is_no_backend_of_it()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 0)),
            Workload("a", "10.0.0.1").WithPorts("echo", Port(80, 3000)),
            Workload("b", "10.0.0.2", "echo"));

        Assert.Equal(["10.96.0.1:80 -> 10.0.0.1:3000"], Describe(store, "echo"));
    }

    [Fact]
    public void A_tunnelled_workload_serves_what_nobody_gives_a_port_for()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 0)),
            Workload("a", "10.0.0.1", "echo") with { ProxyProtocolPort = 15088 });

        Assert.Equal(["10.96.0.1:80 -> 10.0.0.1:15088 with header"], Describe(store, "echo"));
    }

    [Fact]
    public void Unhealthy_workloads_are_left_out_unless_the_service_allows_them()
    {
        Service echo = Service("echo", "10.96.0.1", Port(80, 8080));
        WorkloadStore store = Store(
            echo,
            Workload("a", "10.0.0.1", "echo"),
            Workload("b", "10.0.0.2", "echo") with { Healthy = false });

        Assert.Equal(["10.96.0.1:80 -> 10.0.0.1:8080"], Describe(store, "echo"));

        store.Put(echo with { LoadBalancing = LoadBalancing.Default with { AllowUnhealthy = true } }, new StoreChanges());
        Assert.Equal(["10.96.0.1:80 -> 10.0.0.1:8080, 10.0.0.2:8080"], Describe(store, "echo"));
    }

    [Fact]
    public void A_service_without_a_workload_alive_has_an_entry_that_refuses()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 8080)),
            Workload("a", "10.0.0.1", "echo") with { Healthy = false });

        Assert.Equal(["10.96.0.1:80 -> nothing"], Describe(store, "echo"));
    }

    [Fact]
    public void A_headless_service_means_nothing_to_the_kernel()
    {
        WorkloadStore store = Store(Service("echo", [], Port(80, 8080)), Workload("a", "10.0.0.1", "echo"));

        Assert.Null(IntentCompiler.Compile(store, new UnitKey(UnitKind.Service, KeyOf("echo"))));
    }

    [Fact]
    public void Each_family_balances_over_addresses_of_its_own()
    {
        WorkloadStore store = Store(
            Service("echo", ["10.96.0.1", "fd00::96"], Port(80, 8080)),
            Workload("a", ["10.0.0.1", "fd00::1"], "echo"),
            Workload("b", ["10.0.0.2"], "echo"));

        Assert.Equal(
            ["10.96.0.1:80 -> 10.0.0.1:8080, 10.0.0.2:8080", "fd00::96:80 -> fd00::1:8080"],
            Describe(store, "echo"));
    }

    [Fact]
    public void A_client_of_IPv6_gets_IPv4_when_there_is_nothing_else_but_never_the_other_way_round()
    {
        WorkloadStore store = Store(
            Service("echo", ["10.96.0.1", "fd00::96"], Port(80, 8080)),
            Service("six", ["10.96.0.2"], Port(80, 8080)),
            Workload("a", ["10.0.0.1"], "echo"),
            Workload("b", ["fd00::2"], "six"));

        Assert.Equal(["10.96.0.1:80 -> 10.0.0.1:8080", "fd00::96:80 -> 10.0.0.1:8080"], Describe(store, "echo"));
        Assert.Equal(["10.96.0.2:80 -> nothing"], Describe(store, "six"));
    }

    [Fact]
    public void All_ports_of_a_service_go_through_its_waypoint_declared_or_not()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 8080)).Through("waypoint"),
            Workload("a", "10.0.0.1", "echo"));

        Assert.Equal(
            ["10.96.0.1:80 -> via Waypoint/shop/waypoint.shop.svc.cluster.local:0/IPv4", "10.96.0.1:0 -> via Waypoint/shop/waypoint.shop.svc.cluster.local:0/IPv4"],
            Describe(store, "echo"));
    }

    [Fact]
    public void A_waypoint_is_reached_at_the_redirect_port_of_its_pods()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 8080)).Through("waypoint"),
            Service("waypoint", "10.96.0.9", Port(15008, 15008)),
            Workload("w1", "10.0.0.8", "waypoint"),
            Workload("w2", "10.0.0.9", "waypoint") with { ProxyProtocolPort = 15099 });

        Assert.Equal("10.0.0.8:15088, 10.0.0.9:15099 with header", DescribeWaypoint(store, WaypointReference.ToService(KeyOf("waypoint"))));
    }

    [Theory]
    [InlineData("10.96.0.9")]
    [InlineData("10.0.0.9")]
    public void A_waypoint_may_be_named_by_the_address_of_its_service_or_of_its_pod(string address)
    {
        var waypoint = WaypointReference.ToAddress(InternetAddress.Parse(address));
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 8080)) with { Waypoint = waypoint },
            Service("waypoint", "10.96.0.9", Port(15008, 15008)),
            Workload("w", "10.0.0.9", "waypoint"));

        Assert.Equal("10.0.0.9:15088", DescribeWaypoint(store, waypoint));
    }

    [Fact]
    public void A_waypoint_that_is_not_known_or_not_alive_has_an_entry_that_refuses()
    {
        WorkloadStore store = Store(Service("echo", "10.96.0.1", Port(80, 8080)).Through("waypoint"), Workload("a", "10.0.0.1", "echo"));
        Assert.Equal("nothing", DescribeWaypoint(store, WaypointReference.ToService(KeyOf("waypoint"))));

        store.Put(Workload("w", "10.0.0.9", "waypoint") with { Healthy = false }, new StoreChanges());
        Assert.Equal("nothing", DescribeWaypoint(store, WaypointReference.ToService(KeyOf("waypoint"))));
    }

    [Fact]
    public void Several_waypoints_share_the_connections_of_a_service_by_their_weights_among_those_alive()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 8080)).Through("stable") with { WaypointSplit = [Share("stable", 80), Share("canary", 20)] },
            Workload("s1", "10.0.0.1", "stable"),
            Workload("s2", "10.0.0.2", "stable"),
            Workload("c", "10.0.0.3", "canary"));
        Assert.Equal(
            ["10.96.0.1:80 -> via Waypoint/split of shop/echo.shop.svc.cluster.local:0/IPv4", "10.96.0.1:0 -> via Waypoint/split of shop/echo.shop.svc.cluster.local:0/IPv4"],
            Describe(store, "echo"));
        Assert.Equal("10.0.0.1:15088, 10.0.0.1:15088, 10.0.0.2:15088, 10.0.0.2:15088, 10.0.0.3:15088", Split());
        Assert.True(IntentCompiler.CompilePod(store, new PodAddresses(InternetAddress.Parse("10.0.0.3"), null)).IsWaypoint);

        store.Put(Workload("c", "10.0.0.3", "canary") with { Healthy = false }, new StoreChanges());
        Assert.Equal("10.0.0.1:15088, 10.0.0.2:15088", Split());
        store.Remove(UidOf("s1"), new StoreChanges());
        store.Remove(UidOf("s2"), new StoreChanges());
        Assert.Equal("nothing", Split());

        static WeightedWaypoint Share(string name, uint weight) => new(WaypointReference.ToService(KeyOf(name)), weight);

        string Split() => Describe(IntentCompiler.Compile(store, new UnitKey(UnitKind.Service, KeyOf("echo")))!.Entries
            .Single(entry => entry.Key == EntryKey.WaypointSplit(KeyOf("echo"), AddressFamily.IPv4)));
    }

    [Theory]
    [InlineData(1u, 1u, 1, 1)]
    [InlineData(99u, 1u, 99, 1)]
    [InlineData(1u, 2u, 1, 2)]
    [InlineData(1u, 9999u, 1, 1024)]
    public void Weights_are_met_with_the_fewest_slots_and_never_to_nothing(uint first, uint second, int ofFirst, int ofSecond)
    {
        var one = new Backend(InternetAddress.Parse("10.0.0.1").ToKernel(), NetworkPort.From(1), BackendFlags.None);
        var two = new Backend(InternetAddress.Parse("10.0.0.2").ToKernel(), NetworkPort.From(1), BackendFlags.None);

        var slots = WaypointShares.ToSlots([([one], first), ([two], second)]);

        Assert.Equal((ofFirst, ofSecond), (slots.Count(slot => slot == one), slots.Count(slot => slot == two)));
    }

    [Fact]
    public void A_waypoint_is_never_sent_through_a_waypoint()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 8080)).Through("waypoint"),
            Service("waypoint", "10.96.0.9", Port(15021, 15021)).Through("waypoint"),
            Workload("w", "10.0.0.9", "waypoint").Through("waypoint"));

        Assert.Equal(["10.96.0.9:15021 -> 10.0.0.9:15021"], Describe(store, "waypoint"));
        Assert.Null(IntentCompiler.Compile(store, new UnitKey(UnitKind.Workload, UidOf("w"))));
    }

    [Fact]
    public void A_workload_with_a_waypoint_goes_through_it_when_addressed_itself()
    {
        WorkloadStore store = Store(Workload("a", ["10.0.0.1", "fd00::1"]).Through("waypoint"));

        Unit unit = Assert.IsType<Unit>(IntentCompiler.Compile(store, new UnitKey(UnitKind.Workload, UidOf("a"))));
        Assert.Equal(["10.0.0.1:0", "fd00::1:0"], unit.Frontends.Select(frontend => $"{frontend.Key.Addr}:{frontend.Key.Port}"));
        Assert.All(unit.Entries, entry => Assert.Equal(UnitKind.Waypoint, entry.Waypoint?.Kind));
    }

    [Fact]
    public void An_address_shared_with_the_node_names_no_workload()
    {
        WorkloadStore store = Store(
            Workload("a", "192.0.2.1", "echo").Through("waypoint") with { HostNetwork = true },
            Service("echo", "10.96.0.1", Port(80, 8080)));

        Assert.Null(IntentCompiler.Compile(store, new UnitKey(UnitKind.Workload, UidOf("a"))));
        Assert.Equal(["10.96.0.1:80 -> 192.0.2.1:8080"], Describe(store, "echo"));
    }

    [Fact]
    public void What_is_in_another_network_is_out_of_reach()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 8080)),
            Workload("a", "10.0.0.1", "echo") with { Network = "elsewhere" });

        Assert.Equal(["10.96.0.1:80 -> nothing"], Describe(store, "echo"));
    }

    [Fact]
    public void Of_services_that_claim_one_address_the_canonical_one_has_it()
    {
        WorkloadStore store = Store(
            Service("alias", "10.96.0.1", Port(80, 1111)) with { Canonical = false },
            Service("echo", "10.96.0.1", Port(80, 8080)));

        Assert.Equal(["10.96.0.1:80 -> nothing"], Describe(store, "echo"));
        Assert.Null(IntentCompiler.Compile(store, new UnitKey(UnitKind.Service, KeyOf("alias"))));
    }

    [Fact]
    public void A_workloads_address_names_the_workload_whatever_service_claims_it()
    {
        WorkloadStore store = Store(Service("external", "192.0.2.10", Port(443, 443)), Workload("a", "192.0.2.10", "external"));

        Assert.Null(IntentCompiler.Compile(store, new UnitKey(UnitKind.Service, KeyOf("external"))));
    }

    [Fact]
    public void A_strict_scope_leaves_only_what_shares_it()
    {
        WorkloadStore store = Store(
            Service("local", "10.96.0.1", Port(80, 8080)) with { LoadBalancing = new(LoadBalancingMode.Strict, [LoadBalancingScope.Node], false) },
            Workload("here", "10.0.0.1", "local"),
            Workload("there", "10.0.0.2", "local") with { Node = "node-2" });

        Assert.Equal(["10.96.0.1:80 -> 10.0.0.1:8080"], Describe(store, "local"));

        store.Remove(UidOf("here"), new StoreChanges());
        Assert.Equal(["10.96.0.1:80 -> nothing"], Describe(store, "local"));
    }

    [Fact]
    public void Failover_takes_the_nearest_that_are_alive()
    {
        var zoneA = new Locality("region", "a", "");
        WorkloadStore store = Store(
            Service("near", "10.96.0.1", Port(80, 8080)) with
            {
                LoadBalancing = new(LoadBalancingMode.Failover, [LoadBalancingScope.Region, LoadBalancingScope.Zone], false),
            },
            Workload("me", "10.0.0.9") with { Locality = zoneA },
            Workload("same-zone", "10.0.0.1", "near") with { Locality = zoneA, Node = "node-2" },
            Workload("same-region", "10.0.0.2", "near") with { Locality = new("region", "b", ""), Node = "node-3" },
            Workload("far", "10.0.0.3", "near") with { Locality = new("elsewhere", "a", ""), Node = "node-4" });
        Assert.Equal(["10.96.0.1:80 -> 10.0.0.1:8080"], Describe(store, "near"));

        store.Remove(UidOf("same-zone"), new StoreChanges());
        Assert.Equal(["10.96.0.1:80 -> 10.0.0.2:8080"], Describe(store, "near"));

        store.Remove(UidOf("same-region"), new StoreChanges());
        Assert.Equal(["10.96.0.1:80 -> 10.0.0.3:8080"], Describe(store, "near"));
    }

    [Fact]
    public void Passthrough_leaves_an_address_to_itself_unless_a_waypoint_wants_it()
    {
        Service passthrough = Service("any", "192.0.2.1", Port(443, 443)) with
        {
            LoadBalancing = new(LoadBalancingMode.Passthrough, [], AllowUnhealthy: true),
        };

        Assert.Null(IntentCompiler.Compile(Store(passthrough), new UnitKey(UnitKind.Service, passthrough.Key)));
        Assert.Equal(2, Describe(Store(passthrough.Through("waypoint")), "any").Length);
    }

    [Fact]
    public void Capacity_decides_how_many_slots_a_workload_has()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 80)),
            Workload("a", "10.0.0.1", "echo") with { Capacity = 30 },
            Workload("b", "10.0.0.2", "echo") with { Capacity = 10 },
            Workload("c", "10.0.0.3", "echo") with { Capacity = 0 });

        Assert.Equal(["10.96.0.1:80 -> 10.0.0.1:80, 10.0.0.1:80, 10.0.0.1:80, 10.0.0.2:80"], Describe(store, "echo"));
    }

    [Fact]
    public void Shares_too_fine_for_the_slots_are_rounded_but_never_to_nothing()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 80)),
            Workload("a", "10.0.0.1", "echo") with { Capacity = 1_000_003 },
            Workload("b", "10.0.0.2", "echo") with { Capacity = 1 });

        Unit unit = IntentCompiler.Compile(store, new UnitKey(UnitKind.Service, KeyOf("echo")))!;
        Backend[] slots = [.. unit.Entries[0].Slots];
        Assert.InRange(slots.Length, 1000, 1100);
        Assert.Single(slots, slot => slot.Addr.ToString() == "10.0.0.2");
    }

    [Fact]
    public void Two_names_for_one_pod_are_one_backend()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 80)), Workload("a", "10.0.0.1", "echo"), Workload("b", "10.0.0.1", "echo"));

        Assert.Equal(["10.96.0.1:80 -> 10.0.0.1:80"], Describe(store, "echo"));
    }

    [Fact]
    public void A_pod_is_a_waypoint_when_something_goes_through_it()
    {
        var addresses = new PodAddresses(InternetAddress.Parse("10.0.0.9"), null);
        WorkloadStore store = Store(Workload("w", "10.0.0.9", "waypoint"));
        Assert.False(IntentCompiler.CompilePod(store, addresses).IsWaypoint);

        store.Put(Service("echo", "10.96.0.1", Port(80, 80)).Through("waypoint"), new StoreChanges());
        PodIntent pod = IntentCompiler.CompilePod(store, addresses);
        Assert.True(pod.IsWaypoint);
        Assert.Equal(WaypointReference.ToService(KeyOf("waypoint")), pod.OwnWaypoint);
    }

    private static string[] Describe(WorkloadStore store, string service)
    {
        Unit unit = Assert.IsType<Unit>(IntentCompiler.Compile(store, new UnitKey(UnitKind.Service, KeyOf(service))));
        return [.. unit.Frontends.Select(frontend =>
            $"{frontend.Key.Addr}:{frontend.Key.Port} -> {Describe(unit.Entries.Single(entry => entry.Key == frontend.Value))}")];
    }

    private static string DescribeWaypoint(WorkloadStore store, WaypointReference waypoint)
    {
        Unit unit = Assert.IsType<Unit>(IntentCompiler.Compile(store, new UnitKey(UnitKind.Waypoint, waypoint.ToString())));
        return Describe(unit.Entries.Single(entry => entry.Key.Family == AddressFamily.IPv4));
    }

    private static string Describe(Entry entry) =>
        entry.Waypoint is { } waypoint ? $"via {waypoint}"
        : entry.Slots.IsEmpty ? "nothing"
        : string.Join(", ", entry.Slots.Select(slot =>
            $"{slot.Addr}:{slot.Port}{(slot.Flags == BackendFlags.WantsProxyHeader ? " with header" : "")}"));
}
