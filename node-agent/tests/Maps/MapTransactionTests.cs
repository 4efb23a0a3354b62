using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Maps;
using Waypoint.NodeAgent.Tests.Workloads;
using Waypoint.NodeAgent.Workloads;
using static Waypoint.NodeAgent.Tests.Workloads.MeshBuilder;

namespace Waypoint.NodeAgent.Tests.Maps;

public sealed class MapTransactionTests
{
    private static readonly ImmutableDictionary<ulong, PodAddresses> NoPods = ImmutableDictionary<ulong, PodAddresses>.Empty;

    [Theory]
    [MemberData(nameof(Seeds))]
    public void At_every_step_of_every_transaction_a_reader_sees_each_service_as_it_was_or_as_it_will_be(int seed)
    {
        var maps = new InMemoryKernelMaps();
        var mesh = new RandomMesh(seed);
        var store = new WorkloadStore(MeshBuilder.Node);
        var builder = new IntentBuilder(store);
        var writer = new MapWriter(maps);
        DesiredState before = State(builder);
        for (int step = 0; step < 50; step++)
        {
            if (step % 7 == 6)
            {
                // Killed and started again: another process finds the maps as they are, and a mesh that went on meanwhile.
                mesh.Step(store);
                builder = new IntentBuilder(store);
                writer = new MapWriter(maps);
            }

            StoreChanges changes = step % 7 == 6 ? Everything(store) : mesh.Step(store);
            IReadOnlyList<UnitChange> differences = builder.Update(changes, NoPods);
            DesiredState after = State(builder);
            var promises = before.Frontends.Concat(after.Frontends).Distinct()
                .ToDictionary(dialled => dialled, dialled => Expectation.Between(before, after, dialled));
            maps.Step = () =>
            {
                foreach ((FrontendKey dialled, HashSet<string> promised) in promises)
                {
                    Assert.Contains(KernelReader.Read(maps, dialled), promised);
                }
            };
            writer.Commit(differences, builder.Current.Pods, keepStrangers: false);
            maps.Step = () => { };

            Assert.All(promises.Keys, dialled => Assert.Equal(Expectation.Read(after, dialled), KernelReader.Read(maps, dialled)));
            Assert.Empty(writer.Difference());
            before = after;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_connection_that_is_decided_while_a_transaction_goes_by_gets_what_was_or_what_will_be(int seed)
    {
        var maps = new InMemoryKernelMaps();
        var mesh = new RandomMesh(seed);
        var random = new Random(seed);
        var store = new WorkloadStore(MeshBuilder.Node);
        var builder = new IntentBuilder(store);
        var writer = new MapWriter(maps);
        DesiredState before = State(builder);
        for (int step = 0; step < 40; step++)
        {
            IReadOnlyList<UnitChange> differences = builder.Update(mesh.Step(store), NoPods);
            DesiredState after = State(builder);
            FrontendKey[] dialled = [.. before.Frontends.Concat(after.Frontends).Distinct()];
            var readers = new List<(FrontendKey Dialled, IEnumerator<string?> Reader)>();
            maps.Step = () =>
            {
                // Readers begin at any moment, and between two of them any number of writes goes by.
                foreach (FrontendKey key in dialled)
                {
                    readers.Add((key, KernelReader.ReadSlowly(maps, key, random.Next()).GetEnumerator()));
                }

                foreach ((_, IEnumerator<string?> reader) in readers.Where(reader => reader.Reader.Current is null && random.Next(3) == 0))
                {
                    reader.MoveNext();
                }
            };
            writer.Commit(differences, builder.Current.Pods, keepStrangers: false);
            maps.Step = () => { };

            foreach ((FrontendKey key, IEnumerator<string?> reader) in readers)
            {
                while (reader.Current is null)
                {
                    Assert.True(reader.MoveNext());
                }

                Assert.Contains(reader.Current, Expectation.ConnectionsBetween(before, after, key));
            }

            before = after;
        }
    }

    [Fact]
    public void What_is_there_already_is_not_written_again()
    {
        var maps = new InMemoryKernelMaps();
        WorkloadStore store = SmallMesh();
        var builder = new IntentBuilder(store);
        new MapWriter(maps).Commit(builder.Update(Everything(store), NoPods), builder.Current.Pods, keepStrangers: false);
        int steps = maps.Steps;

        var again = new IntentBuilder(store);
        MapTransactionResult result = new MapWriter(maps).Commit(
            again.Update(Everything(store), NoPods), again.Current.Pods, keepStrangers: false);

        Assert.Equal((0, 0), (result.Writes, result.Deletes));
        Assert.Equal(steps, maps.Steps);
    }

    [Fact]
    public void One_endpoint_costs_its_services_slots_and_nothing_else()
    {
        var maps = new InMemoryKernelMaps();
        WorkloadStore store = SmallMesh();
        var builder = new IntentBuilder(store);
        var writer = new MapWriter(maps);
        writer.Commit(builder.Update(Everything(store), NoPods), builder.Current.Pods, keepStrangers: false);

        var changes = new StoreChanges();
        store.Put(Workload("c", "10.0.0.3", "echo"), changes);
        MapTransactionResult result = writer.Commit(builder.Update(changes, NoPods), builder.Current.Pods, keepStrangers: false);

        // A backend, a set of three slots and the entry come; the set of two goes.
        Assert.Equal((5, 2), (result.Writes, result.Deletes));
    }

    [Fact]
    public void Numbers_are_never_used_again_in_one_life()
    {
        var maps = new InMemoryKernelMaps();
        var store = new WorkloadStore(MeshBuilder.Node);
        var builder = new IntentBuilder(store);
        var writer = new MapWriter(maps);
        var seen = new HashSet<uint>();
        for (int i = 0; i < 3; i++)
        {
            var changes = new StoreChanges();
            store.Put(Service("echo", "10.96.0.1", Port(80, 8080)), changes);
            store.Put(Workload("a", "10.0.0.1", "echo"), changes);
            writer.Commit(builder.Update(changes, NoPods), builder.Current.Pods, keepStrangers: false);
            Assert.True(seen.Add(maps.Backends.Entries.Keys.Single()));

            changes = new StoreChanges();
            store.Remove(KeyOf("echo"), changes);
            writer.Commit(builder.Update(changes, NoPods), builder.Current.Pods, keepStrangers: false);
            Assert.Empty(maps.Backends.Entries);
        }
    }

    [Fact]
    public void A_pod_becomes_a_waypoint_before_anything_is_sent_to_it()
    {
        var maps = new InMemoryKernelMaps();
        WorkloadStore store = SmallMesh();
        var pods = new Dictionary<ulong, PodAddresses> { [77] = new(InternetAddress.Parse("10.0.0.9"), null) };
        var builder = new IntentBuilder(store);
        var writer = new MapWriter(maps);
        store.Put(Workload("w", "10.0.0.9", "waypoint"), new StoreChanges());
        writer.Commit(builder.Update(Everything(store), pods), builder.Current.Pods, keepStrangers: false);
        Assert.Equal(PodFlags.None, maps.Pods.Entries[77].Flags);

        maps.Step = () => Assert.True(
            maps.Pods.Entries[77].Flags == PodFlags.Waypoint || maps.Services.Entries.Values.All(service => service.Waypoint == 0));
        var changes = new StoreChanges();
        store.Put(Service("echo", "10.96.0.1", Port(80, 8080)).Through("waypoint"), changes);
        writer.Commit(builder.Update(changes, pods), builder.Current.Pods, keepStrangers: false);

        Assert.Equal(PodFlags.Waypoint, maps.Pods.Entries[77].Flags);
        Assert.Equal(maps.Pods.Entries[77].OwnWaypoint, maps.Services.Entries.Values.First(service => service.Waypoint != 0).Waypoint);

        changes = new StoreChanges();
        store.Put(Service("echo", "10.96.0.1", Port(80, 8080)), changes);
        writer.Commit(builder.Update(changes, pods), builder.Current.Pods, keepStrangers: false);
        Assert.Equal(PodFlags.None, maps.Pods.Entries[77].Flags);
    }

    [Fact]
    public void Strangers_stay_until_all_that_the_control_plane_says_is_understood()
    {
        var maps = new InMemoryKernelMaps();
        WorkloadStore earlier = SmallMesh();
        var earlierBuilder = new IntentBuilder(earlier);
        new MapWriter(maps).Commit(earlierBuilder.Update(Everything(earlier), NoPods), earlierBuilder.Current.Pods, keepStrangers: false);
        FrontendKey echo = maps.Frontends.Entries.Keys.Single();

        var store = new WorkloadStore(MeshBuilder.Node);
        var builder = new IntentBuilder(store);
        var writer = new MapWriter(maps);
        writer.Commit([], builder.Current.Pods, keepStrangers: true);
        Assert.Equal("[10.0.0.1:8080 10.0.0.2:8080]", KernelReader.Read(maps, echo));
        Assert.NotEmpty(writer.Difference());

        writer.Commit([], builder.Current.Pods, keepStrangers: false);
        Assert.Equal(KernelReader.Untouched, KernelReader.Read(maps, echo));
        Assert.Empty(maps.Backends.Entries);
        Assert.Empty(writer.Difference());
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 60)];

    internal static StoreChanges Everything(WorkloadStore store)
    {
        var changes = new StoreChanges();
        changes.Services.UnionWith(store.Services.Keys);
        changes.Workloads.UnionWith(store.Workloads.Keys);
        changes.Waypoints.UnionWith(store.Waypoints);
        return changes;
    }

    internal static DesiredState State(IntentBuilder builder) => new(builder.Current.Units.Values);

    private static WorkloadStore SmallMesh() => Store(
        Service("echo", "10.96.0.1", Port(80, 8080)),
        Workload("a", "10.0.0.1", "echo"),
        Workload("b", "10.0.0.2", "echo"));
}
