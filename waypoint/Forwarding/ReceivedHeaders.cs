using Microsoft.Net.Http.Headers;
using Waypoint.Proxy.Mesh;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// Takes out of a request what ends here, before anything looks at it. Later it would be too late: what a filter tells the backend in a header is not
/// the client's to have removed.
/// </summary>
internal static class ReceivedHeaders
{
    private const string ForwardedClientCertificate = "x-forwarded-client-cert";

    public static void Clean(IHeaderDictionary headers, HttpChain chain)
    {
        var connection = headers.Connection;
        if (connection.Count > 0 && HopByHopHeaders.NominatesAny(connection))
        {
            foreach (var name in headers.Keys.Where(name => IsDropped(name) && HopByHopHeaders.IsNominated(connection, name)).ToArray())
            {
                headers.Remove(name);
            }
        }

        if (!chain.ForwardsClientCertificate)
        {
            // A client could name anybody in it. Envoy removes it too where the connection has no TLS of its own, which is so in a waypoint.
            headers.Remove(ForwardedClientCertificate);
        }
    }

    // RFC 9110 section 7.6.1: what Connection names goes with it. Not what routing and the reading of the body rely on, and what this proxy itself
    // takes out later, having read it.
    private static bool IsDropped(string name) =>
        !HopByHopHeaders.Contains(name)
        && !name.Equals(HeaderNames.Host, StringComparison.OrdinalIgnoreCase)
        && !name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase)
        && !name.Equals(EnvoyHeaders.RequestId, StringComparison.OrdinalIgnoreCase);
}
