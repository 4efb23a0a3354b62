using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Maps;
using Waypoint.NodeAgent.Workloads;
using static Waypoint.NodeAgent.Tests.Workloads.MeshBuilder;

namespace Waypoint.NodeAgent.Tests.Maps;

/// <summary>A pod that is enrolled while the control plane is silent: the maps of an earlier life are all that is known.</summary>
public sealed class EnrolAheadTests
{
    private readonly InMemoryKernelMaps _maps = new();

    public EnrolAheadTests()
    {
        WorkloadStore store = Store(
            Service("echo", ["10.96.0.1", "fd00::96"], Port(80, 8080)).Through("waypoint"),
            Service("other", "10.96.0.2", Port(80, 8080)),
            Workload("w", ["10.0.0.9", "fd00::9"], "waypoint"),
            Workload("a", "10.0.0.1", "other"));
        var builder = new IntentBuilder(store);
        new MapWriter(_maps).Commit(
            builder.Update(MapTransactionTests.Everything(store), ImmutableDictionary<ulong, PodAddresses>.Empty), builder.Current.Pods, keepStrangers: false);
    }

    [Theory]
    [InlineData("10.0.0.9", null, true)]
    [InlineData(null, "fd00::9", true)]
    [InlineData("10.0.0.1", null, false)]
    [InlineData("10.0.0.7", "fd00::7", false)]
    public void Is_a_waypoint_when_the_maps_lead_to_it_as_one(string? ipv4, string? ipv6, bool isWaypoint)
    {
        new MapWriter(_maps).EnrolAhead(4711, new PodAddresses(Parse(ipv4), Parse(ipv6)));

        Assert.Equal(isWaypoint ? PodFlags.Waypoint : PodFlags.None, _maps.Pods.Entries[4711].Flags);
    }

    private static InternetAddress? Parse(string? address) => address is null ? null : InternetAddress.Parse(address);
}
