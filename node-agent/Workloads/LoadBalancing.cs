using System.Collections.Immutable;

namespace Waypoint.NodeAgent.Workloads;

/// <summary>Which of a service's workloads a node may choose.</summary>
internal sealed record LoadBalancing(LoadBalancingMode Mode, ImmutableArray<LoadBalancingScope> Scopes, bool AllowUnhealthy)
{
    public static LoadBalancing Default { get; } = new(LoadBalancingMode.Any, [], AllowUnhealthy: false);
}

internal enum LoadBalancingMode
{
    /// <summary>All workloads alike.</summary>
    Any,

    /// <summary>Only workloads that share every scope with the node; if there are none, there is no backend.</summary>
    Strict,

    /// <summary>The workloads that share the longest run of leading scopes.</summary>
    Failover,

    /// <summary>The address that the client asked for is the destination: nothing is balanced.</summary>
    Passthrough,
}

internal enum LoadBalancingScope
{
    Region,
    Zone,
    Subzone,
    Node,
    Cluster,
    Network,
}

internal readonly record struct Locality(string Region, string Zone, string Subzone) : IComparable<Locality>
{
    public static Locality Unknown { get; } = new("", "", "");

    public int CompareTo(Locality other) =>
        string.CompareOrdinal(Region, other.Region) is var region and not 0 ? region
        : string.CompareOrdinal(Zone, other.Zone) is var zone and not 0 ? zone
        : string.CompareOrdinal(Subzone, other.Subzone);
}
