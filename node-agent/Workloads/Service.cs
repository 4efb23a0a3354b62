using System.Collections.Immutable;

namespace Waypoint.NodeAgent.Workloads;

/// <summary>A service as the control plane describes it, reduced to what a node needs. Immutable.</summary>
internal sealed record Service
{
    public required string Name { get; init; }
    public required string Namespace { get; init; }
    public required string Hostname { get; init; }

    /// <summary>The virtual addresses that this node's network can reach. Empty for a headless service.</summary>
    public ImmutableArray<InternetAddress> Addresses { get; init; } = [];

    public ImmutableArray<ServicePort> Ports { get; init; } = [];
    public WaypointReference? Waypoint { get; init; }

    /// <summary>Two or more waypoints that share the connections, whatever <see cref="Waypoint"/> says; empty when that takes them all.</summary>
    public ImmutableArray<WeightedWaypoint> WaypointSplit { get; init; } = [];

    /// <summary>All that it names as its waypoint.</summary>
    public IEnumerable<WaypointReference> Waypoints => WaypointSplit.Select(share => share.Waypoint)
        .Concat(Waypoint is { } waypoint ? [waypoint] : [])
        .Distinct();
    public LoadBalancing LoadBalancing { get; init; } = LoadBalancing.Default;

    /// <summary>Wins over others that claim the same address: Kubernetes' own services do, copies made for other hostnames do not.</summary>
    public bool Canonical { get; init; }

    /// <summary>The name of the resource: <c>namespace/hostname</c>.</summary>
    public string Key => field ??= KeyOf(Namespace, Hostname);

    public static string KeyOf(string @namespace, string hostname) => $"{@namespace}/{hostname}";
}

/// <param name="Port">1 to 65535, unique in its service.</param>
/// <param name="TargetPort">0 to 65535; 0 when the target is a named port, whose number each workload knows for itself.</param>
internal readonly record struct ServicePort(ushort Port, ushort TargetPort);

/// <param name="Weight">The share of connections relative to the others'; above 0.</param>
internal readonly record struct WeightedWaypoint(WaypointReference Waypoint, uint Weight);

/// <summary>
/// Names a waypoint: the service <c>namespace/hostname</c>, or an address (of a service, or of a pod).
/// It need not exist (yet): what refers to it is refused until it does.
/// </summary>
internal readonly record struct WaypointReference(string? ServiceKey, InternetAddress Address)
{
    public static WaypointReference ToService(string key) => new(key, default);

    public static WaypointReference ToAddress(InternetAddress address) => new(null, address);

    /// <summary>Reads what <see cref="ToString"/> wrote: a service's key has a slash, an address has none.</summary>
    public static WaypointReference Parse(string text) =>
        text.Contains('/', StringComparison.Ordinal) ? ToService(text) : ToAddress(InternetAddress.Parse(text));

    public override string ToString() => ServiceKey ?? Address.ToString();
}
