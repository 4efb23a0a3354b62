using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Intent;

/// <summary>What stands behind a frontend: the content of one entry of the kernel's <c>services</c> map. Immutable.</summary>
/// <param name="Slots">What a connection picks from, in order of address; a backend of greater capacity comes more than once. Empty refuses.</param>
/// <param name="Waypoint">When set, connections go to the backends of that entry instead, and are refused when it has none.</param>
/// <param name="ForAll">Whoever is not enrolled picks from the slots as well, even when there is a waypoint.</param>
internal sealed record Entry(EntryKey Key, ImmutableArray<Backend> Slots, EntryKey? Waypoint = null, bool ForAll = false)
{
    public bool Equals(Entry? other) =>
        other is not null && Key == other.Key && Waypoint == other.Waypoint && ForAll == other.ForAll && Slots.AsSpan().SequenceEqual(other.Slots.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Key, Waypoint, Slots.Length);
}

/// <summary>Names an entry by what it stands for, so that it keeps its number in the kernel while its content changes.</summary>
/// <param name="Owner">The service's key, the workload's uid or the waypoint's reference.</param>
/// <param name="Port">The service's port; 0 for all others, and for the ports that a service does not declare.</param>
/// <param name="Family">A socket of one family cannot be sent to an address of the other, so each has entries of its own.</param>
internal readonly record struct EntryKey(UnitKind Kind, string Owner, ushort Port, AddressFamily Family)
{
    public static EntryKey Waypoint(WaypointReference reference, AddressFamily family) =>
        new(UnitKind.Waypoint, reference.ToString(), 0, family);

    /// <summary>The instances of all waypoints that share a service's connections.</summary>
    public static EntryKey WaypointSplit(string service, AddressFamily family) => new(UnitKind.Waypoint, $"split of {service}", 0, family);

    public override string ToString() => $"{Kind}/{Owner}:{Port}/{Family}";
}
