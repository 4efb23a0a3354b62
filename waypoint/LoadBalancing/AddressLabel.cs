using System.Net;

namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// An endpoint's address as a label of a host name, with what matters besides: whether it is reached by a tunnel. The HTTP client pools connections by
/// host and port and tells no more to whoever makes them; nothing of it is sent. <c>x0a000001</c> is 10.0.0.1, <c>t0a000001</c> the same by a tunnel.
/// </summary>
internal static class AddressLabel
{
    private const char Plain = 'x', Tunnelled = 't';

    public static string Of(IPAddress address, bool isTunnelled) => (isTunnelled ? Tunnelled : Plain) + Convert.ToHexStringLower(address.GetAddressBytes());

    public static (IPAddress Address, bool IsTunnelled) Read(ReadOnlySpan<char> label) =>
        (new IPAddress(Convert.FromHexString(label[1..])), label[0] == Tunnelled);
}
