using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Intent;

/// <summary>Chooses which workloads of a service this node may use, and how often each appears among the slots.</summary>
internal sealed class EndpointSelection(Node node, Locality locality, LoadBalancing loadBalancing, AddressFamily family)
{
    // A workload of capacity 1 beside one of 1000 would need 1001 slots; shares finer than this are rounded.
    private const int MaxWeightedSlots = 1024;

    private readonly List<Candidate> _chosen = [];
    private int _rank;

    /// <param name="port">The port to reach it at; 0 when it has none.</param>
    public void Offer(Workload workload, ushort port)
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

        _chosen.Add(new Candidate(address, port, port == workload.ProxyProtocolPort, workload.Capacity));
    }

    public ImmutableArray<Backend> ToSlots()
    {
        _chosen.Sort();
        for (int i = _chosen.Count - 1; i > 0; i--)
        {
            // Two workloads of one address and port (a pod known under two names) are one backend; the greater capacity is sorted last.
            if (_chosen[i - 1].IsSameBackend(_chosen[i]))
            {
                _chosen.RemoveAt(i - 1);
            }
        }

        ulong total = 0;
        ulong divisor = 0;
        foreach (Candidate candidate in _chosen)
        {
            total += candidate.Capacity;
            divisor = GreatestCommonDivisor(divisor, candidate.Capacity);
        }

        if (total == 0)
        {
            return [];
        }

        ulong count = Math.Min(total / divisor, (ulong)Math.Max(MaxWeightedSlots, _chosen.Count));
        var slots = ImmutableArray.CreateBuilder<Backend>((int)count);
        foreach (Candidate candidate in _chosen)
        {
            var backend = candidate.ToBackend();
            for (ulong share = Math.Max(1, (candidate.Capacity * count + total / 2) / total); share > 0; share--)
            {
                slots.Add(backend);
            }
        }

        return slots.DrainToImmutable();
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

    private readonly record struct Candidate(InternetAddress Address, ushort Port, bool WantsProxyHeader, uint Capacity) : IComparable<Candidate>
    {
        public bool IsSameBackend(Candidate other) => this with { Capacity = other.Capacity } == other;

        public Backend ToBackend() => new(
            Address.ToKernel(), NetworkPort.From(Port), WantsProxyHeader ? BackendFlags.WantsProxyHeader : BackendFlags.None);

        public int CompareTo(Candidate other) =>
            Address.CompareTo(other.Address) is var address and not 0 ? address
            : Port.CompareTo(other.Port) is var port and not 0 ? port
            : WantsProxyHeader.CompareTo(other.WantsProxyHeader) is var header and not 0 ? header
            : Capacity.CompareTo(other.Capacity);
    }
}
