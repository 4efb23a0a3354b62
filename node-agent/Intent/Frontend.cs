using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Intent;

/// <summary>A TCP destination that a client asks for.</summary>
/// <param name="Port">0 stands for every port that has no frontend of its own.</param>
internal readonly record struct Frontend(InternetAddress Address, ushort Port)
{
    public override string ToString() =>
        Address.Family == AddressFamily.IPv4 ? $"{Address}:{Port}" : $"[{Address}]:{Port}";
}
