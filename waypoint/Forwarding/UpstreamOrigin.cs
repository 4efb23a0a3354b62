using System.Net;
using Waypoint.Proxy.LoadBalancing;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// The beginning of the URI that tells the client library where to connect to. The library keeps a pool for each origin; where TLS depends on the request's authority, that is part of
/// the origin, behind a label that holds the address: <c>http://x0a000001.echo.example:443</c>.
/// </summary>
internal static class UpstreamOrigin
{
    private const int LongestName = 253;

    /// <param name="cluster">Says whether the authority matters.</param>
    /// <param name="endpoint">Where to.</param>
    /// <param name="authority">Of the request as it will be sent.</param>
    /// <param name="isHttp2">The version that will be spoken. In HTTP/2 the scheme is sent along, and backends that speak TLS expect theirs; for HTTP/1.1 the library would keep a pool for each authority with it.</param>
    public static string Of(Cluster cluster, Endpoint endpoint, string authority, bool isHttp2)
    {
        if (cluster.Tls is not { } tls)
        {
            return endpoint.Origin;
        }

        var origin = isHttp2 ? endpoint.SecureOrigin : endpoint.Origin;
        if (!tls.DependsOnHost)
        {
            return origin;
        }

        var host = WithoutPort(authority);
        var label = AddressLabel.Of(endpoint.Address.Address, endpoint.WantsTunnel);

        // Without a name nobody can be asked for by name, and where the name is verified nobody is believed.
        return IsName(host) && label.Length + 1 + host.Length <= LongestName
            ? $"{(isHttp2 ? "https" : "http")}://{label}.{host}:{endpoint.Address.Port}"
            : origin;
    }

    /// <summary>What <see cref="Of"/> wrote: where to connect to, whether by a tunnel, and the authority without its port where that matters.</summary>
    public static (IPEndPoint Address, bool IsTunnelled, string? Host) Read(DnsEndPoint origin)
    {
        if (IPAddress.TryParse(origin.Host, out var plain))
        {
            return (new IPEndPoint(plain, origin.Port), false, null);
        }

        var dot = origin.Host.IndexOf('.', StringComparison.Ordinal);
        var (address, isTunnelled) = AddressLabel.Read(dot < 0 ? origin.Host : origin.Host.AsSpan(0, dot));
        return (new IPEndPoint(address, origin.Port), isTunnelled, dot < 0 ? null : origin.Host[(dot + 1)..]);
    }

    private static ReadOnlySpan<char> WithoutPort(ReadOnlySpan<char> authority)
    {
        var colon = authority.LastIndexOf(':');
        return colon > authority.LastIndexOf(']') ? authority[..colon] : authority;
    }

    private static bool IsName(ReadOnlySpan<char> host)
    {
        if (host.IsEmpty || host[0] is '.' or '-')
        {
            return false;
        }

        foreach (var c in host)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_'))
            {
                return false;
            }
        }

        return !host.Contains("..", StringComparison.Ordinal);
    }
}
