using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Mesh;

/// <summary>One share of a weighted split, with the header changes that belong to that backend alone.</summary>
internal sealed record WeightedCluster(
    ClusterSlot Cluster,
    uint Weight,
    HeaderMutations RequestHeaders,
    HeaderMutations ResponseHeaders)
{
    /// <summary>The authority to send instead of what the route says; null leaves it to the route.</summary>
    public string? HostRewrite { get; init; }
}

/// <summary>A weighted choice among clusters; immutable, and free of allocation when picking.</summary>
internal sealed class WeightedClusters
{
    private readonly WeightedCluster[] _shares;
    private readonly ulong _totalWeight;

    public WeightedClusters(IEnumerable<WeightedCluster> shares)
    {
        _shares = [.. shares];
        foreach (var share in _shares)
        {
            _totalWeight += share.Weight;
        }
    }

    public IReadOnlyList<WeightedCluster> Shares => _shares;

    /// <summary>Picks a share with probability weight / total; null when every weight is zero or there is no share.</summary>
    public WeightedCluster? Pick(Random random)
    {
        if (_totalWeight == 0)
        {
            return null;
        }

        var ticket = (ulong)random.NextInt64((long)_totalWeight);
        foreach (var share in _shares)
        {
            if (ticket < share.Weight)
            {
                return share;
            }

            ticket -= share.Weight;
        }

        return null;
    }
}
