using System.Net;
using Microsoft.Extensions.Primitives;

namespace Waypoint.Proxy.Filters.Rbac;

/// <summary>The client that <c>X-Forwarded-For</c> names, read as Envoy does when it is told to believe the header (<c>use_remote_address: false</c>).</summary>
internal static class ForwardedFor
{
    /// <param name="header">Its lines are one list.</param>
    /// <param name="trustedHops">How many addresses at the end are passed over; negative: all.</param>
    /// <returns>The last address that is left; null when there is none, or when what stands there is not an address.</returns>
    public static IPAddress? Read(StringValues header, int trustedHops)
    {
        for (var i = trustedHops < 0 ? -1 : header.Count - 1; i >= 0; i--)
        {
            var rest = header[i].AsSpan();
            while (true)
            {
                var comma = rest.LastIndexOf(',');
                if (trustedHops-- == 0)
                {
                    return Parse(rest[(comma + 1)..].Trim());
                }

                if (comma < 0)
                {
                    break;
                }

                rest = rest[..comma];
            }
        }

        return null;
    }

    // .NET takes "1", "010.0.0.1" and "[::1]:80" for addresses too.
    private static IPAddress? Parse(ReadOnlySpan<char> text) =>
        IPAddress.TryParse(text, out var address) && (text.Contains(':') ? !text.Contains('[') : text.SequenceEqual(address.ToString()))
            ? address
            : null;
}
