using System.Collections.Immutable;

namespace Waypoint.NodeAgent.Intent;

/// <summary>All that the kernel's maps should say, at one moment. Immutable.</summary>
/// <param name="Pods">By the cookie of the pod's network namespace.</param>
internal sealed record MeshIntent(ImmutableDictionary<UnitKey, Unit> Units, ImmutableDictionary<ulong, PodIntent> Pods)
{
    public static MeshIntent Empty { get; } =
        new(ImmutableDictionary<UnitKey, Unit>.Empty, ImmutableDictionary<ulong, PodIntent>.Empty);
}

/// <summary>One unit of a <see cref="MeshIntent"/> as it was and as it shall be. Null: not there.</summary>
internal readonly record struct UnitChange(UnitKey Key, Unit? Before, Unit? After);
