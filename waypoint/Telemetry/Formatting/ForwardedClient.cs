using System.Net;
using Waypoint.Proxy.Filters.Rbac;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>
/// The client that a request speaks of. istiod has waypoints take it from the end of <c>X-Forwarded-For</c> where there is one
/// (<c>use_remote_address</c> false), so logs tell that address, with port 0; it proves nothing.
/// </summary>
internal static class ForwardedClient
{
    public static IPEndPoint Address(StreamInfo stream) =>
        stream.Exchange is { } exchange && ForwardedFor.Read(exchange.Context.Request.Headers["x-forwarded-for"], exchange.Chain?.TrustedHops ?? 0) is { } named
            ? new IPEndPoint(named, 0)
            : stream.Client;
}
