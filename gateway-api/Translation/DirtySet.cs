using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Translation;

/// <summary>What a batch of changes has made stale.</summary>
internal sealed class DirtySet
{
    /// <summary>Services whose own definition or binding changed: everything of theirs.</summary>
    public HashSet<NamespacedName> Services { get; } = [];

    /// <summary>Ports of services whose routes changed: their filter chains.</summary>
    public HashSet<(NamespacedName Service, int Port)> Chains { get; } = [];

    /// <summary>Services whose endpoints changed.</summary>
    public HashSet<NamespacedName> Endpoints { get; } = [];

    /// <summary>Pods whose WDS workload changed.</summary>
    public HashSet<NamespacedName> Pods { get; } = [];

    /// <summary>Handwritten EndpointSlices whose WDS workloads changed.</summary>
    public HashSet<NamespacedName> Slices { get; } = [];

    /// <summary>Routes whose conditions changed.</summary>
    public HashSet<ObjectKey> Routes { get; } = [];
}
