using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Intent;

/// <summary>Where a connection may go.</summary>
/// <param name="WantsProxyHeader">The peer reads a PROXY v2 header before the client's bytes.</param>
internal readonly record struct Backend(InternetAddress Address, ushort Port, bool WantsProxyHeader) : IComparable<Backend>
{
    public int CompareTo(Backend other) =>
        Address.CompareTo(other.Address) is var address and not 0 ? address
        : Port.CompareTo(other.Port) is var port and not 0 ? port
        : WantsProxyHeader.CompareTo(other.WantsProxyHeader);

    public override string ToString() =>
        Address.Family == AddressFamily.IPv4 ? $"{Address}:{Port}" : $"[{Address}]:{Port}";
}
