using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.Rbac;

/// <summary>The client's SPIFFE URI. A client without one never matches.</summary>
/// <param name="match">Null for any identity.</param>
internal sealed class PeerPrincipal(StringMatch? match) : AccessCondition
{
    public override bool Matches(in AccessRequest request) =>
        request.Principal is { } principal && (match is null || match.Matches(principal));
}

/// <summary>The name that the client's TLS asked for.</summary>
/// <param name="match">The name; empty when there is no TLS.</param>
/// <param name="unknown">The answer when it is not known: the one by which nobody passes who might not have.</param>
internal sealed class RequestedServerName(StringMatch match, bool unknown) : AccessCondition
{
    public override bool NeedsServerName => true;

    public override bool Matches(in AccessRequest request) => request.ServerName is { } name ? match.Matches(name) : unknown;
}
