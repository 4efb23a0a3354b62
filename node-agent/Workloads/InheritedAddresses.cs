namespace Waypoint.NodeAgent.Workloads;

/// <summary>What the maps of an earlier life say of addresses: believed until those who know better have spoken. Immutable.</summary>
/// <param name="ThroughWaypoint">Going through a waypoint. They must not be led past it for want of better knowledge.</param>
/// <param name="ForAll">Served to those who are not enrolled. They must not be lost for want of better knowledge.</param>
internal sealed record InheritedAddresses(IReadOnlySet<InternetAddress> ThroughWaypoint, IReadOnlySet<InternetAddress> ForAll)
{
    public static InheritedAddresses None { get; } = new(new HashSet<InternetAddress>(), new HashSet<InternetAddress>());
}
