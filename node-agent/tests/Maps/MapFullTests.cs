using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Maps;
using Waypoint.NodeAgent.Workloads;
using static Waypoint.NodeAgent.Tests.Workloads.MeshBuilder;
using Service = Waypoint.NodeAgent.Workloads.Service;

namespace Waypoint.NodeAgent.Tests.Maps;

public sealed class MapFullTests
{
    private static readonly ImmutableDictionary<ulong, PodAddresses> NoPods = ImmutableDictionary<ulong, PodAddresses>.Empty;

    private readonly InMemoryKernelMaps _maps = new();
    private readonly WorkloadStore _store = Store();
    private readonly IntentBuilder _builder;
    private readonly MapWriter _writer;

    public MapFullTests()
    {
        _builder = new IntentBuilder(_store);
        _writer = new MapWriter(_maps);
    }

    [Fact]
    public void A_new_service_whose_backends_find_no_room_refuses()
    {
        _maps.Backends.Capacity = 1;
        MapTransactionResult result = Apply(
            Service("echo", "10.96.0.1", Port(80, 8080)), Workload("a", "10.0.0.1", "echo"), Workload("b", "10.0.0.2", "echo"));

        Assert.Equal("[]", Read("10.96.0.1"));
        MapFull full = Assert.Single(result.Full);
        Assert.Equal(("backends", 1, 1), (full.Map, full.Capacity, full.Missing));
        Assert.NotEmpty(_writer.Difference());
        Assert.Empty(_maps.Backends.Entries);
    }

    [Fact]
    public void A_service_that_works_keeps_what_it_has_when_its_next_version_finds_no_room()
    {
        _maps.Slots.Capacity = 3;
        Apply(Service("echo", "10.96.0.1", Port(80, 8080)), Workload("a", "10.0.0.1", "echo"), Workload("b", "10.0.0.2", "echo"));
        Apply(Workload("c", "10.0.0.3", "echo"));

        Assert.Equal("[10.0.0.1:8080 10.0.0.2:8080]", Read("10.96.0.1"));
        Assert.Equal(2, _maps.Slots.Entries.Count);
    }

    [Fact]
    public void A_service_that_loses_its_waypoint_refuses_until_there_is_room_for_its_backends()
    {
        Service echo = Service("echo", "10.96.0.1", Port(80, 8080));
        Apply(Service("filler", "10.96.0.2", Port(80, 8080)), Workload("f", "10.0.0.8", "filler"), echo.Through("waypoint"), Workload("a", "10.0.0.1", "echo"));
        _maps.Slots.Capacity = 1;
        Assert.Equal("waypoint []", Read("10.96.0.1"));

        Apply(echo);
        Assert.Equal("[]", Read("10.96.0.1"));

        _maps.Slots.Capacity = 2;
        Apply();
        Assert.Equal("[10.0.0.1:8080]", Read("10.96.0.1"));
        Assert.Empty(_writer.Difference());
    }

    [Fact]
    public void Room_that_a_transaction_makes_is_used_by_the_same_transaction()
    {
        _maps.Backends.Capacity = 1;
        Apply(Service("echo", "10.96.0.1", Port(80, 8080)), Workload("a", "10.0.0.1", "echo"));
        _store.Remove(UidOf("a"), new StoreChanges());
        MapTransactionResult result = Apply(Service("other", "10.96.0.2", Port(80, 8080)), Workload("b", "10.0.0.2", "other"), Service("echo", "10.96.0.3", Port(80, 8080)));

        Assert.Empty(result.Full);
        Assert.Equal("[10.0.0.2:8080]", Read("10.96.0.2"));
    }

    [Fact]
    public void Frontends_that_find_no_room_are_reported_and_written_once_there_is_some()
    {
        _maps.Frontends.Capacity = 1;
        MapTransactionResult result = Apply(Service("echo", "10.96.0.1", Port(80, 8080)), Service("other", "10.96.0.2", Port(80, 8080)));
        Assert.Equal("frontends", Assert.Single(result.Full).Map);

        _maps.Frontends.Capacity = 2;
        Assert.Empty(Apply().Full);
        Assert.Empty(_writer.Difference());
    }

    private MapTransactionResult Apply(params object[] resources)
    {
        var changes = new StoreChanges();
        foreach (object resource in resources)
        {
            Waypoint.NodeAgent.Tests.Workloads.MeshBuilder.Put(_store, resource, changes);
        }

        return _writer.Commit(_builder.Update(changes, NoPods), _builder.Current.Pods, keepStrangers: false);
    }

    private string Read(string address) => KernelReader.Read(
        _maps, new FrontendKey(InternetAddress.Parse(address).ToKernel(), NetworkPort.From(80), TransportProtocol.Tcp));
}
