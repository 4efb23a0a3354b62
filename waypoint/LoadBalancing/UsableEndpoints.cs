using Waypoint.Proxy.LoadBalancing.Hashing;

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

    /// <param name="cluster">Whose.</param>
    /// <param name="previous">What is out of date; of it is kept what would come out the same, for tables of hashes cost milliseconds.</param>
    public static UsableEndpoints Of(Cluster cluster, UsableEndpoints? previous)
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

        var weights = new Weights(cluster, now);
        var pools = new List<(EndpointPool, double)>();
        foreach (var (priority, load, panic) in Split(priorities, cluster))
        {
            var usable = panic ? priority.All : priority.Healthy;
            if (cluster.Balancing.Hashes)
            {
                AddHashedPool(pools, priority, usable, load, cluster, previous);
            }
            else
            {
                AddPools(pools, priority, usable, load, cluster, weights);
            }
        }

        return new UsableEndpoints(pools, version, Math.Min(validUntil, weights.ValidUntil));
    }

    /// <param name="random">Draws among priorities and localities.</param>
    /// <param name="hash">Takes the place of the draw, so that equal hashes stay in one priority.</param>
    public EndpointPool? PickPool(Random random, ulong? hash)
    {
        switch (_pools.Length)
        {
            case 0:
                return null;
            case 1:
                return _pools[0];
            default:
                var lot = hash is { } h ? h % 10_000 / 10_000.0 : random.NextDouble();
                var ticket = lot * _cumulativeLoad[^1];
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

    private static void AddPools(List<(EndpointPool, double)> pools, Priority priority, Endpoint[] usable, double load, Cluster cluster, Weights weights)
    {
        if (cluster.LocalityWeights is null)
        {
            pools.Add((new BalancedPool(usable, weights.Of), load));
            return;
        }

        var localities = Localities(priority, usable, cluster);
        var total = localities.Sum(l => l.Weight);
        foreach (var (members, weight) in localities)
        {
            pools.Add((new BalancedPool(members, weights.Of), load * weight / total));
        }
    }

    // One table a priority: a locality's weight goes into those of its endpoints, so that a hash stays where it is when weights move a little.
    private static void AddHashedPool(
        List<(EndpointPool, double)> pools, Priority priority, Endpoint[] usable, double load, Cluster cluster, UsableEndpoints? previous)
    {
        WeightedEndpoint[] members = cluster.LocalityWeights is null
            ? [.. usable.Select(endpoint => new WeightedEndpoint(endpoint, endpoint.Weight))]
            : [.. from locality in Localities(priority, usable, cluster)
                  let total = locality.Members.Sum(endpoint => (double)endpoint.Weight)
                  from endpoint in locality.Members
                  select new WeightedEndpoint(endpoint, locality.Weight * endpoint.Weight / total)];
        if (members.Length == 0)
        {
            return;
        }

        var known = previous?._pools.OfType<HashedPool>().FirstOrDefault(pool => pool.IsOf(members));
        pools.Add((known ?? new HashedPool(members, cluster), load));
    }

    /// <summary>The localities that have a share of their priority, with their weights as far as they are healthy.</summary>
    private static List<(Endpoint[] Members, double Weight)> Localities(Priority priority, Endpoint[] usable, Cluster cluster)
    {
        var localities = new List<(Endpoint[], double)>();
        foreach (var group in usable.GroupBy(e => e.Locality))
        {
            Endpoint[] members = [.. group];
            var all = priority.All.Count(e => e.Locality == group.Key);
            var availability = Math.Min(1.0, cluster.OverprovisioningFactor / 100.0 * members.Length / all);
            var weight = cluster.LocalityWeights!.GetValueOrDefault((priority.All[0].Priority, group.Key)) * availability;
            if (weight > 0)
            {
                localities.Add((members, weight));
            }
        }

        return localities;
    }

    /// <summary>The weights of endpoints at one moment: those that are new have less (<see cref="SlowStart"/>).</summary>
    private sealed class Weights(Cluster cluster, long now)
    {
        // So that a hundredth of the weight 1 is still a whole number.
        private const double Scale = 1000;

        /// <summary>When the weights will be others.</summary>
        public long ValidUntil { get; private set; } = long.MaxValue;

        public ulong Of(Endpoint endpoint)
        {
            if (cluster.Balancing.SlowStart is not { } slow)
            {
                return endpoint.Weight;
            }

            var factor = 1.0;
            if (cluster.AgeOf(endpoint, now) is { } age && age < slow.Window)
            {
                factor = slow.Factor(age);
                ValidUntil = Math.Min(ValidUntil, now + (long)(slow.Step.TotalSeconds * cluster.Clock.Time.TimestampFrequency));
            }

            return Math.Max(1, (ulong)(endpoint.Weight * Scale * factor));
        }
    }

    private sealed record Priority(Endpoint[] All, Endpoint[] Healthy)
    {
        public double HealthyPercent => 100.0 * Healthy.Length / All.Length;

        public double Availability(int overprovisioningFactor) =>
            Math.Min(100, (double)overprovisioningFactor * Healthy.Length / All.Length);
    }
}
