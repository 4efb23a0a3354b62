namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// Which endpoints of a cluster may be picked while nobody's health changes, and how the load splits among priorities and
/// localities (Envoy's rules). Immutable.
/// </summary>
internal sealed class UsableEndpoints
{
    private readonly EndpointPool[] _pools;
    private readonly double[] _cumulativeLoad;

    private UsableEndpoints(List<(EndpointPool Pool, double Load)> pools, int version, long validUntil)
    {
        Version = version;
        ValidUntil = validUntil;
        _pools = [.. pools.Select(p => p.Pool)];
        _cumulativeLoad = new double[_pools.Length];
        var total = 0.0;
        for (var i = 0; i < _pools.Length; i++)
        {
            total += pools[i].Load;
            _cumulativeLoad[i] = total;
        }
    }

    /// <summary>The <see cref="HealthClock.Version"/> it was made at.</summary>
    public int Version { get; }

    /// <summary>The timestamp at which an endpoint that is aside comes back; <see cref="long.MaxValue"/> when none is.</summary>
    public long ValidUntil { get; }

    public ReadOnlySpan<EndpointPool> Pools => _pools;

    public static UsableEndpoints Of(Cluster cluster)
    {
        var version = cluster.Clock.Version;
        var now = cluster.Clock.Time.GetTimestamp();
        var validUntil = long.MaxValue;
        var priorities = new List<Priority>();
        foreach (var group in cluster.Endpoints.GroupBy(e => e.Priority).OrderBy(g => g.Key))
        {
            Endpoint[] all = [.. group];
            foreach (var endpoint in all)
            {
                if (endpoint.State.IsEjected(now))
                {
                    validUntil = Math.Min(validUntil, endpoint.State.AvailableAgainAt);
                }
            }

            priorities.Add(new Priority(all, [.. all.Where(e => e.IsHealthy && !e.State.IsEjected(now))]));
        }

        var pools = new List<(EndpointPool, double)>();
        foreach (var (priority, load, panic) in Split(priorities, cluster))
        {
            AddPools(pools, priority, panic ? priority.All : priority.Healthy, load, cluster);
        }

        return new UsableEndpoints(pools, version, validUntil);
    }

    public EndpointPool? PickPool(Random random)
    {
        switch (_pools.Length)
        {
            case 0:
                return null;
            case 1:
                return _pools[0];
            default:
                var ticket = random.NextDouble() * _cumulativeLoad[^1];
                var index = 0;
                while (index < _pools.Length - 1 && ticket >= _cumulativeLoad[index])
                {
                    index++;
                }

                return _pools[index];
        }
    }

    /// <summary>
    /// The load of each priority in percent. A priority takes as much as its healthy share × the overprovisioning factor, the next ones the rest. When
    /// all together are not enough, a priority below the panic threshold uses all its endpoints, dead or not; so does every one when nothing is healthy (design D10).
    /// </summary>
    private static IEnumerable<(Priority Priority, double Load, bool Panic)> Split(List<Priority> priorities, Cluster cluster)
    {
        var sum = Math.Min(100, priorities.Sum(p => p.Availability(cluster.OverprovisioningFactor)));
        if (sum == 0)
        {
            foreach (var priority in priorities)
            {
                yield return (priority, priority.All.Length, true);
            }

            yield break;
        }

        var left = 100.0;
        foreach (var priority in priorities)
        {
            var load = Math.Min(left, priority.Availability(cluster.OverprovisioningFactor) * 100 / sum);
            left -= load;
            if (load > 0)
            {
                yield return (priority, load, sum < 100 && priority.HealthyPercent < cluster.PanicThreshold);
            }
        }
    }

    private static void AddPools(List<(EndpointPool, double)> pools, Priority priority, Endpoint[] usable, double load, Cluster cluster)
    {
        if (cluster.LocalityWeights is not { } weights)
        {
            pools.Add((new EndpointPool(usable), load));
            return;
        }

        var localities = new List<(EndpointPool Pool, double Weight)>();
        foreach (var group in usable.GroupBy(e => e.Locality))
        {
            Endpoint[] members = [.. group];
            var all = priority.All.Count(e => e.Locality == group.Key);
            var availability = Math.Min(1.0, cluster.OverprovisioningFactor / 100.0 * members.Length / all);
            var weight = weights.GetValueOrDefault((priority.All[0].Priority, group.Key)) * availability;
            if (weight > 0)
            {
                localities.Add((new EndpointPool(members), weight));
            }
        }

        var total = localities.Sum(l => l.Weight);
        foreach (var (pool, weight) in localities)
        {
            pools.Add((pool, load * weight / total));
        }
    }

    private sealed record Priority(Endpoint[] All, Endpoint[] Healthy)
    {
        public double HealthyPercent => 100.0 * Healthy.Length / All.Length;

        public double Availability(int overprovisioningFactor) =>
            Math.Min(100, (double)overprovisioningFactor * Healthy.Length / All.Length);
    }
}
