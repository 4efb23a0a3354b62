using System.Collections.Immutable;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Tests.Maps;
using Waypoint.NodeAgent.Tests.Workloads;
using Waypoint.NodeAgent.Workloads;
using static Waypoint.NodeAgent.Tests.Workloads.MeshBuilder;

namespace Waypoint.NodeAgent.Tests.Intent;

public sealed class IntentBuilderTests
{
    private static readonly ImmutableDictionary<ulong, PodAddresses> NoPods = ImmutableDictionary<ulong, PodAddresses>.Empty;

    [Theory]
    [MemberData(nameof(Seeds))]
    public void After_any_history_the_intent_is_what_compiling_the_final_state_gives(int seed)
    {
        var mesh = new RandomMesh(seed);
        var store = new WorkloadStore(MeshBuilder.Node);
        var builder = new IntentBuilder(store);
        for (int step = 0; step < 60; step++)
        {
            builder.Update(mesh.Step(store), NoPods);

            ImmutableDictionary<UnitKey, Unit> expected = CompileAll(store);
            Assert.Equal(expected.Keys.ToHashSet(), builder.Current.Units.Keys.ToHashSet());
            Assert.All(expected, unit => Assert.Equal(unit.Value, builder.Current.Units[unit.Key]));
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void No_address_is_claimed_twice_and_nothing_is_referred_to_that_is_not_there(int seed)
    {
        var mesh = new RandomMesh(seed);
        var store = new WorkloadStore(MeshBuilder.Node);
        for (int step = 0; step < 30; step++)
        {
            mesh.Step(store);
            ImmutableDictionary<UnitKey, Unit> all = CompileAll(store);
            Assert.Distinct(all.Values.SelectMany(unit => unit.Frontends).Select(frontend => frontend.Key));
            HashSet<EntryKey> entries = [.. all.Values.SelectMany(unit => unit.Entries).Select(entry => entry.Key)];
            Assert.Superset(all.Values.SelectMany(unit => unit.Frontends).Select(frontend => frontend.Value).ToHashSet(), entries);
            Assert.Superset(all.Values.SelectMany(unit => unit.Entries).Select(entry => entry.Waypoint).OfType<EntryKey>().ToHashSet(), entries);
        }
    }

    [Fact]
    public void A_change_of_one_endpoint_changes_only_the_services_it_serves()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 8080)),
            Service("other", "10.96.0.2", Port(80, 8080)),
            Workload("a", "10.0.0.1", "echo"),
            Workload("b", "10.0.0.2", "other"));
        var builder = new IntentBuilder(store);
        var all = new StoreChanges();
        all.Services.UnionWith(store.Services.Keys);
        builder.Update(all, NoPods);

        var changes = new StoreChanges();
        store.Put(Workload("a", "10.0.0.1", "echo") with { Healthy = false }, changes);
        Assert.Equal([new UnitKey(UnitKind.Service, KeyOf("echo"))], builder.Update(changes, NoPods).Select(change => change.Key));
    }

    [Fact]
    public void A_change_of_a_waypoint_changes_the_services_that_it_shares_with_others()
    {
        WorkloadStore store = Store(
            Service("echo", "10.96.0.1", Port(80, 8080)) with
            {
                WaypointSplit = [new(WaypointReference.ToService(KeyOf("stable")), 1), new(WaypointReference.ToService(KeyOf("canary")), 1)],
            });
        var builder = new IntentBuilder(store);
        var changes = new StoreChanges();
        store.Put(Workload("c", "10.0.0.3", "canary"), changes);
        Assert.Contains(new UnitKey(UnitKind.Service, KeyOf("echo")), builder.Update(changes, NoPods).Select(change => change.Key));
    }

    [Fact]
    public void A_resource_that_is_sent_again_unchanged_changes_nothing()
    {
        WorkloadStore store = Store();
        var builder = new IntentBuilder(store);
        for (int i = 0; i < 2; i++)
        {
            var changes = new StoreChanges();
            store.Put(Service("echo", "10.96.0.1", Port(80, 8080)).Through("waypoint"), changes);
            store.Put(Workload("a", "10.0.0.1", "echo").Through("waypoint"), changes);
            Assert.Equal(i == 0, builder.Update(changes, NoPods).Count > 0);
        }
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 40)];

    internal static ImmutableDictionary<UnitKey, Unit> CompileAll(WorkloadStore store) =>
        store.Services.Keys.Select(key => new UnitKey(UnitKind.Service, key))
            .Concat(store.Workloads.Keys.Select(uid => new UnitKey(UnitKind.Workload, uid)))
            .Concat(store.Cluster.Services.Keys.Select(key => new UnitKey(UnitKind.ClusterService, key)))
            .Concat(store.Waypoints.Select(waypoint => new UnitKey(UnitKind.Waypoint, waypoint.ToString())))
            .Select(key => KeyValuePair.Create(key, IntentCompiler.Compile(store, key)))
            .Where(unit => unit.Value is not null)
            .ToImmutableDictionary(unit => unit.Key, unit => unit.Value!);
}
