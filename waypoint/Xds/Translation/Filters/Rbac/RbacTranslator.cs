using Envoy.Extensions.Filters.Http.Rbac.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.Rbac;
using Waypoint.Proxy.Mesh;

namespace Waypoint.Proxy.Xds.Translation.Filters.Rbac;

/// <summary><c>envoy.filters.http.rbac</c>: what istiod makes of an AuthorizationPolicy for requests.</summary>
internal sealed class RbacTranslator(PeerIdentity peers, RbacMetrics metrics) : IHttpFilterTranslator
{
    public string Type => "envoy.extensions.filters.http.rbac.v3.RBAC";

    public string RouteType => "envoy.extensions.filters.http.rbac.v3.RBACPerRoute";

    public IHttpFilter? Translate(FilterSource source)
    {
        var config = source.Config.Open<RBAC>(source.Scope, "typed_config");
        if (config.Matcher is not null || config.ShadowMatcher is not null)
        {
            source.Scope.Unsupported("RBAC matcher (everything is refused)");
            return RefuseEverything.Instance;
        }

        return new RbacFilter(source.Name, Control(config, source.Scope), peers, metrics);
    }

    public object TranslateRoute(FilterSource source)
    {
        var config = source.Config.Open<RBACPerRoute>(source.Scope, "typed_per_filter_config").Rbac;
        return config switch
        {
            null => AccessControl.None,
            { Matcher: null, ShadowMatcher: null } => Control(config, source.Scope),
            _ => throw source.Scope.Invalid("rbac.matcher", "not supported"),
        };
    }

    private static AccessControl Control(RBAC config, TranslationScope scope) => new(
        AccessRulesTranslator.Translate(config.Rules, hasRequest: true, scope),
        AccessRulesTranslator.Translate(config.ShadowRules, hasRequest: true, scope),
        config.ShadowRulesStatPrefix);
}
