using System.Net;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>
/// The client that a request speaks of. istiod has waypoints take it from the end of <c>X-Forwarded-For</c> where there is one
/// (<c>use_remote_address</c> false), so logs tell that address, with port 0; it proves nothing.
/// </summary>
internal static class ForwardedFor
{
    public static IPEndPoint Address(StreamInfo stream)
    {
        if (stream.RequestHeaders is not { } headers || headers["x-forwarded-for"] is not { Count: > 0 } values || values[^1] is not { } list)
        {
            return stream.Client;
        }

        var last = list.AsSpan(list.LastIndexOf(',') + 1).Trim();
        return IPAddress.TryParse(last, out var address) ? new IPEndPoint(address, 0) : stream.Client;
    }
}
