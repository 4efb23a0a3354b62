using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Forwarding;

/// <summary>Replaces the authority that is sent. What the client sent is told to the backend, as Envoy does, and not what an earlier rewrite made of it.</summary>
internal static class HostRewriting
{
    /// <param name="exchange">The request.</param>
    /// <param name="action">The route's.</param>
    /// <param name="host">The authority to send.</param>
    /// <param name="isFirst">Nobody rewrote it before.</param>
    public static void Apply(Exchange exchange, ForwardAction action, string host, bool isFirst)
    {
        var headers = exchange.Context.Request.Headers;
        if (isFirst)
        {
            headers[EnvoyHeaders.OriginalHost] = headers.Host;
            if (action.AppendsForwardedHost)
            {
                headers.Append(EnvoyHeaders.ForwardedHost, headers.Host);
            }
        }

        headers.Host = host;
    }
}
