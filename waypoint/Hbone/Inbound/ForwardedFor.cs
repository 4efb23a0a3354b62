using System.Net;

namespace Waypoint.Proxy.Hbone.Inbound;

/// <summary>The client in a <c>forwarded</c> header (RFC 7239) as ztunnel writes it: <c>for="10.1.2.3:4567";host=name</c>.</summary>
internal static class ForwardedFor
{
    /// <summary>Null when there is none that is an address and port.</summary>
    public static IPEndPoint? Parse(string? header)
    {
        foreach (var pair in (header ?? "").Split(',')[0].Split(';', StringSplitOptions.TrimEntries))
        {
            if (pair.StartsWith("for=", StringComparison.OrdinalIgnoreCase))
            {
                return IPEndPoint.TryParse(pair.AsSpan(4).Trim('"'), out var client) && client.Port > 0 ? client : null;
            }
        }

        return null;
    }
}
