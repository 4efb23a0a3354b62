using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Filters.Rbac;

/// <summary>Decides who may send a request.</summary>
internal sealed class RbacFilter(string name, AccessControl control, PeerIdentity peers, RbacMetrics metrics) : IHttpFilter
{
    private const string Namespace = "envoy.filters.http.rbac";

    public ValueTask<bool> OnRequestAsync(Exchange exchange)
    {
        var verdict = Judge(exchange);
        return verdict.Allowed ? new ValueTask<bool>(true) : DenyAsync(exchange, verdict);
    }

    private AccessVerdict Judge(Exchange exchange)
    {
        var chain = exchange.Chain!;
        var destination = exchange.Destination;
        var request = new AccessRequest
        {
            Destination = destination.Original,
            Source = destination.Client.Address,
            Principal = peers.Find(destination.Client.Address, destination.ClientPrincipal),
            Metadata = exchange.Metadata,
            Head = exchange.MatchedHead(),
            TrustedHops = chain.TrustedHops,

            // Whatever TLS a client may have used ended before the bytes became HTTP.
            ServerName = "",
        };
        exchange.IsPathJudged = true;
        var inForce = exchange.Route?.FilterSettings.Find<AccessControl>(name) ?? control;
        return inForce.Judge(request, Namespace, chain.Name, metrics);
    }

    private static async ValueTask<bool> DenyAsync(Exchange exchange, AccessVerdict verdict)
    {
        await LocalReply.SendAsync(
            exchange, StatusCodes.Status403Forbidden, "RBAC: access denied", ResponseFlags.None, AccessControl.Details(verdict)).ConfigureAwait(false);
        return false;
    }
}
