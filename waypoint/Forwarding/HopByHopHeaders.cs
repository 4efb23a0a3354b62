using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;

namespace Waypoint.Proxy.Forwarding;

/// <summary>Headers that belong to one connection and end at it (RFC 9110 section 7.6.1), in both directions.</summary>
internal static class HopByHopHeaders
{
    private static readonly FrozenSet<string> Names = new[]
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static bool Contains(string name) => Names.Contains(name);

    /// <summary>
    /// True when <c>Connection</c> says something else than the tokens that are about the connection itself: then
    /// <see cref="IsNominated"/> must be asked for every header.
    /// </summary>
    public static bool NominatesAny(StringValues connection)
    {
        foreach (var line in connection)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var token = line.AsSpan(range).Trim(" \t");
                if (!token.IsEmpty
                    && !token.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
                    && !token.Equals("close", StringComparison.OrdinalIgnoreCase)
                    && !token.Equals("upgrade", StringComparison.OrdinalIgnoreCase)
                    && !token.Equals("te", StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>True when <c>Connection</c> names the header.</summary>
    public static bool IsNominated(StringValues connection, string name)
    {
        foreach (var line in connection)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                if (line.AsSpan(range).Trim(" \t").Equals(name, StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
