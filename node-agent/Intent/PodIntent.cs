using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Intent;

/// <summary>What the kernel is to know of an enrolled pod.</summary>
/// <param name="IsWaypoint">Its connections are never redirected (the first guard of the loop rule).</param>
/// <param name="OwnWaypoint">The waypoint that it is an instance of, to which it is never redirected (the second guard).</param>
internal sealed record PodIntent(PodAddresses Addresses, bool IsWaypoint, WaypointReference? OwnWaypoint);

/// <summary>The addresses by which the mesh knows a pod. A pod of one family has no address of the other.</summary>
internal sealed record PodAddresses(InternetAddress? IPv4, InternetAddress? IPv6)
{
    public IEnumerable<InternetAddress> All => new[] { IPv4, IPv6 }.OfType<InternetAddress>();

    public override string ToString() => string.Join(", ", All);
}
