using System.Buffers;
using System.Globalization;
using System.Net;

namespace Waypoint.Proxy.Hbone.Inbound;

/// <summary>A CONNECT's <c>:authority</c>: where the client wants to go, by address or by a service's host name.</summary>
/// <param name="Host">An address in its own form, or a name in lower case.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="Address">Null when the host is a name.</param>
internal sealed record Authority(string Host, int Port, IPEndPoint? Address)
{
    private static readonly SearchValues<char> DottedDecimal = SearchValues.Create("0123456789.");

    /// <summary>Null when it is not HOST:PORT. An IPv6 address stands in brackets (RFC 9113, section 8.5, by RFC 3986).</summary>
    public static Authority? Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0
            || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port == 0)
        {
            return null;
        }

        var host = text[..colon];
        if (host[0] == '[')
        {
            return host[^1] == ']' && IPAddress.TryParse(host[1..^1], out var v6) && v6.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
                ? Of(v6, port)
                : null;
        }

        if (host.Contains(':', StringComparison.Ordinal))
        {
            return null;
        }

        // IPAddress.Parse also takes 10.1 and 0x7f000001; a name of digits and dots alone is an address or nothing.
        return host.AsSpan().ContainsAnyExcept(DottedDecimal)
            ? Uri.CheckHostName(host) == UriHostNameType.Dns ? new Authority(host.ToLowerInvariant(), port, null) : null
            : IPAddress.TryParse(host, out var v4) && v4.ToString() == host ? Of(v4, port) : null;
    }

    private static Authority Of(IPAddress address, int port)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return new Authority(plain.ToString(), port, new IPEndPoint(plain, port));
    }
}
