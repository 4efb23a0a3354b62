using Envoy.Extensions.Filters.Network.Rbac.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.Rbac;
using Waypoint.Proxy.Mesh;

namespace Waypoint.Proxy.Xds.Translation.Filters.Rbac;

/// <summary><c>envoy.filters.network.rbac</c>: what istiod makes of an AuthorizationPolicy for connections.</summary>
internal sealed class RbacConnectionTranslator(PeerIdentity peers, RbacMetrics metrics) : INetworkFilterTranslator
{
    public string Type => "envoy.extensions.filters.network.rbac.v3.RBAC";

    public INetworkFilter? Translate(FilterSource source)
    {
        var config = source.Config.Open<RBAC>(source.Scope, "typed_config");
        if (config.Matcher is not null || config.ShadowMatcher is not null)
        {
            source.Scope.Unsupported("RBAC matcher (everything is refused)");
            return RefuseEverything.Instance;
        }

        // CONTINUOUS is for filters before this one that learn from later bytes; none here does.
        source.Scope.UnsupportedIf(config.DelayDeny is not null, "RBAC delay_deny");
        var control = new AccessControl(
            AccessRulesTranslator.Translate(config.Rules, hasRequest: false, source.Scope),
            AccessRulesTranslator.Translate(config.ShadowRules, hasRequest: false, source.Scope),
            config.ShadowRulesStatPrefix);
        var needsServerName = control.Rules is { NeedsServerName: true } || control.Shadow is { NeedsServerName: true };
        return new RbacConnectionFilter(control, needsServerName, peers, metrics);
    }
}
