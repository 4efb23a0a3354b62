using Waypoint.Proxy.LoadBalancing.Hashing;

namespace Waypoint.Proxy.LoadBalancing;

/// <summary>Equal hashes to equal endpoints. Immutable.</summary>
/// <param name="members">At least one.</param>
/// <param name="cluster">Says how.</param>
internal sealed class HashedPool(WeightedEndpoint[] members, Cluster cluster) : EndpointPool([.. members.Select(member => member.Endpoint)])
{
    private readonly HashTable _table = cluster.Balancing.Policy == LoadBalancingPolicy.Maglev
        ? new MaglevTable(members, cluster.Balancing.MaglevSize)
        : new HashRing(members, cluster.Balancing.Ring);

    /// <summary>True when it would come out the same from <paramref name="others"/>.</summary>
    public bool IsOf(ReadOnlySpan<WeightedEndpoint> others) => others.SequenceEqual(members);

    public override Endpoint Pick(Cluster cluster, Random random, ref uint turn, ulong hash, int attempt) => _table.Pick(hash, attempt);
}
