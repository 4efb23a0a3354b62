using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tcp;

namespace Waypoint.Proxy.Filters.Rbac;

/// <summary>Decides who may open a connection.</summary>
internal sealed class RbacConnectionFilter(AccessControl control, bool needsServerName, PeerIdentity peers, RbacMetrics metrics) : INetworkFilter
{
    private const string Namespace = "envoy.filters.network.rbac";

    public bool NeedsServerName => needsServerName;

    public ValueTask<bool> OnConnectionAsync(TcpConnection connection)
    {
        var verdict = control.Judge(
            new AccessRequest
            {
                Destination = connection.Original,
                Source = connection.Client.Address,
                Principal = peers.Find(connection.Client.Address, connection.ClientPrincipal),
                Metadata = connection.Metadata,
                ServerName = connection.ServerName,
            },
            Namespace,
            connection.Chain.Name,
            metrics);
        if (!verdict.Allowed)
        {
            connection.TerminationDetails = AccessControl.Details(verdict);
        }

        return new ValueTask<bool>(verdict.Allowed);
    }
}
