using System.Net;
using System.Net.Sockets;

namespace Waypoint.Proxy.Sockets;

/// <summary>The kernel's socket addresses as endpoints. An IPv4 address inside an IPv6 one is IPv4 again everywhere above.</summary>
internal static class SocketAddressing
{
    /// <summary>Size of struct sockaddr_in6.</summary>
    public const int MaximumSize = 28;

    private static readonly IPEndPoint AnyV4 = new(IPAddress.Any, 0);
    private static readonly IPEndPoint AnyV6 = new(IPAddress.IPv6Any, 0);

    public static IPEndPoint Read(ReadOnlySpan<byte> bytes)
    {
        // sa_family is in host order; both families fit its low byte.
        var template = (bytes[0] | bytes[1]) == Linux.InternetV6 ? AnyV6 : AnyV4;
        var address = new SocketAddress(template.AddressFamily, Math.Max(bytes.Length, template.Serialize().Size));
        bytes.CopyTo(address.Buffer.Span);
        return Normalise((IPEndPoint)template.Create(address));
    }

    public static IPEndPoint Normalise(IPEndPoint endpoint) =>
        endpoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endpoint.Address.MapToIPv4(), endpoint.Port) : endpoint;
}
