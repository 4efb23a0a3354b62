using System.Collections.Immutable;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Intent;

/// <summary>Chooses which workloads of a service this node may use, and how often each appears among the slots.</summary>
internal sealed class EndpointSelection(Node node, Locality locality, LoadBalancing loadBalancing, AddressFamily family)
{
    // A workload of capacity 1 beside one of 1000 would need 1001 slots; shares finer than this are rounded.
    private const int MaxWeightedSlots = 1024;

    private readonly List<(Backend Backend, uint Capacity)> _chosen = [];
    private int _rank;

    public void Offer(Workload workload, ushort port, bool wantsProxyHeader)
    {
        if (port == 0
            || workload.Capacity == 0
            || workload.Network != node.Network
            || !(workload.Healthy || loadBalancing.AllowUnhealthy)
            || !TryGetAddress(workload, out InternetAddress address))
        {
            return;
        }

        int rank = Rank(workload);
        if (rank < _rank)
        {
            return;
        }

        if (rank > _rank)
        {
            _chosen.Clear();
            _rank = rank;
        }

        _chosen.Add((new Backend(address, port, wantsProxyHeader), workload.Capacity));
    }

    public ImmutableArray<Backend> ToSlots()
    {
        _chosen.Sort();
        var distinct = new List<(Backend Backend, uint Capacity)>(_chosen.Count);
        foreach ((Backend backend, uint capacity) in _chosen)
        {
            // Two workloads of one address and port (a pod known under two names) are one backend; the sort put the greater capacity last.
            if (distinct.Count > 0 && distinct[^1].Backend == backend)
            {
                distinct.RemoveAt(distinct.Count - 1);
            }

            distinct.Add((backend, capacity));
        }

        ulong total = 0;
        ulong divisor = 0;
        foreach ((_, uint capacity) in distinct)
        {
            total += capacity;
            divisor = GreatestCommonDivisor(divisor, capacity);
        }

        if (divisor == 0)
        {
            return [];
        }

        ulong slots = Math.Min(total / divisor, (ulong)Math.Max(MaxWeightedSlots, distinct.Count));
        var result = ImmutableArray.CreateBuilder<Backend>((int)slots);
        foreach ((Backend backend, uint capacity) in distinct)
        {
            ulong share = Math.Max(1, (capacity * slots + total / 2) / total);
            for (ulong i = 0; i < share; i++)
            {
                result.Add(backend);
            }
        }

        return result.DrainToImmutable();
    }

    private bool TryGetAddress(Workload workload, out InternetAddress address)
    {
        foreach (InternetAddress candidate in workload.Addresses)
        {
            if (candidate.Family == family)
            {
                address = candidate;
                return true;
            }
        }

        address = default;
        return false;
    }

    /// <summary>How many leading scopes the workload shares with this node; below zero when it may not be chosen at all.</summary>
    private int Rank(Workload workload)
    {
        if (loadBalancing.Mode is not (LoadBalancingMode.Strict or LoadBalancingMode.Failover))
        {
            return 0;
        }

        int shared = 0;
        while (shared < loadBalancing.Scopes.Length && Shares(workload, loadBalancing.Scopes[shared]))
        {
            shared++;
        }

        return loadBalancing.Mode == LoadBalancingMode.Strict && shared < loadBalancing.Scopes.Length ? -1 : shared;
    }

    private bool Shares(Workload workload, LoadBalancingScope scope) => scope switch
    {
        LoadBalancingScope.Region => workload.Locality.Region == locality.Region,
        LoadBalancingScope.Zone => workload.Locality.Zone == locality.Zone,
        LoadBalancingScope.Subzone => workload.Locality.Subzone == locality.Subzone,
        LoadBalancingScope.Node => workload.Node == node.Name,
        LoadBalancingScope.Cluster => workload.ClusterId == node.ClusterId,
        _ => workload.Network == node.Network,
    };

    private static ulong GreatestCommonDivisor(ulong a, ulong b)
    {
        while (b != 0)
        {
            (a, b) = (b, a % b);
        }

        return a;
    }
}
