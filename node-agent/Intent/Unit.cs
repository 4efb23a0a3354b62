using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;

namespace Waypoint.NodeAgent.Intent;

/// <summary>What one service, one workload or one waypoint compiles to. Immutable; a change of the mesh replaces the units it touches.</summary>
internal sealed record Unit(ImmutableArray<Entry> Entries, ImmutableArray<KeyValuePair<FrontendKey, EntryKey>> Frontends)
{
    public bool Equals(Unit? other) =>
        other is not null
        && Entries.AsSpan().SequenceEqual(other.Entries.AsSpan())
        && Frontends.AsSpan().SequenceEqual(other.Frontends.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Entries.Length, Frontends.Length);
}

internal enum UnitKind : byte
{
    /// <summary>A service: an entry for each of its ports, and one for all others when it has a waypoint.</summary>
    Service,

    /// <summary>A workload that is addressed itself and has a waypoint.</summary>
    Workload,

    /// <summary>The instances of a waypoint.</summary>
    Waypoint,

    /// <summary>A service that only the Kubernetes API tells of: an entry for each of its ports.</summary>
    ClusterService,
}

/// <param name="Owner">The service's key, the workload's uid or the waypoint's reference.</param>
internal readonly record struct UnitKey(UnitKind Kind, string Owner);
