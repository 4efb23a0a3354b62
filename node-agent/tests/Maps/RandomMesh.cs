using System.Collections.Immutable;
using Waypoint.NodeAgent.Tests.Workloads;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Tests.Maps;

/// <summary>
/// A history of a small mesh in which everything may happen to everything: few names and few addresses, so that they clash, move, go
/// and come back all the time.
/// </summary>
internal sealed class RandomMesh(int seed)
{
    private static readonly string[] Names = ["a", "b", "c", "d", "waypoint", "other-waypoint"];
    private static readonly string[] Addresses = ["10.96.0.1", "10.96.0.2", "10.96.0.3", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "fd00::1", "fd00::2"];
    private static readonly string[] Workloads = ["p", "q", "r", "s", "t", "u", "v"];

    private readonly Random _random = new(seed);

    /// <summary>Applies one to four changes.</summary>
    public StoreChanges Step(WorkloadStore store)
    {
        var changes = new StoreChanges();
        for (int i = _random.Next(1, 5); i > 0; i--)
        {
            switch (_random.Next(8))
            {
                case 0 or 1:
                    store.Put(RandomService(), changes);
                    break;
                case 2 or 3 or 4:
                    store.Put(RandomWorkload(), changes);
                    break;
                case 5 when Chance(2):
                    store.Remove(MeshBuilder.KeyOf(Pick(Names)), changes);
                    break;
                case 6:
                    store.Cluster.Put(RandomClusterService(), changes);
                    break;
                case 7:
                    store.Cluster.Remove($"shop/{Pick(Names)}", changes);
                    break;
                default:
                    store.Remove(MeshBuilder.UidOf(Pick(Workloads)), changes);
                    break;
            }
        }

        return changes;
    }

    private Service RandomService() => MeshBuilder.Service(
        Pick(Names),
        [.. Some(Addresses, 2)],
        [.. new[] { MeshBuilder.Port(80, 8080), MeshBuilder.Port(81, 0), MeshBuilder.Port(443, 8443) }.Where(_ => Chance(2))]) with
    {
        Canonical = Chance(2),
        Waypoint = RandomWaypoint(),
        WaypointSplit = Chance(4) ? [.. Some<uint>([1, 2, 3], 3).Select(weight => (RandomWaypoint(), weight))
            .Where(share => share.Item1 is not null).Select(share => new WeightedWaypoint(share.Item1!.Value, share.weight))] : [],
        LoadBalancing = Chance(2) ? LoadBalancing.Default : new LoadBalancing(
            (LoadBalancingMode)_random.Next(4),
            [.. Some([LoadBalancingScope.Region, LoadBalancingScope.Zone, LoadBalancingScope.Node], 2)],
            AllowUnhealthy: Chance(4)),
    };

    private ClusterService RandomClusterService() => new(
        $"shop/{Pick(Names)}",
        [.. Some(Addresses, 2).Select(InternetAddress.Parse).DistinctBy(address => address.Family)],
        [.. Some<ushort>([80, 443], 2).Select(port => new ClusterServicePort(
            port, [.. Some(Addresses, 3).Select(address => new ClusterEndpoint(InternetAddress.Parse(address), 8080))]))]);

    private Workload RandomWorkload()
    {
        Workload workload = MeshBuilder.Workload(Pick(Workloads), [.. Some(Addresses, 2)]);
        return workload with
        {
            Services = [.. Some(Names, 3).Select(name => new ServiceMembership(
                MeshBuilder.KeyOf(name),
                Chance(2) ? [] : [MeshBuilder.Port(81, (ushort)_random.Next(1000, 1003))]))],
            Healthy = !Chance(4),
            HostNetwork = Chance(6),
            Capacity = (uint)_random.Next(0, 4),
            Node = Chance(2) ? MeshBuilder.Node.Name : "elsewhere",
            Locality = Chance(2) ? Locality.Unknown : new Locality("region", Pick(["x", "y"]), ""),
            Waypoint = RandomWaypoint(),
            ProxyProtocolPort = Chance(5) ? (ushort)15088 : (ushort)0,
        };
    }

    private WaypointReference? RandomWaypoint() => _random.Next(6) switch
    {
        0 => WaypointReference.ToService(MeshBuilder.KeyOf("waypoint")),
        1 => WaypointReference.ToService(MeshBuilder.KeyOf("other-waypoint")),
        2 => WaypointReference.ToAddress(InternetAddress.Parse(Pick(Addresses))),
        _ => null,
    };

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private T Pick<T>(T[] from) => from[_random.Next(from.Length)];

    private ImmutableArray<T> Some<T>(T[] from, int atMost) => [.. _random.GetItems(from, _random.Next(atMost + 1)).Distinct()];
}
