using Google.Protobuf.WellKnownTypes;
using Envoy.Extensions.Filters.Http.Cors.V3;
using Envoy.Extensions.Filters.Http.Fault.V3;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>What the proxy makes of a filter.</summary>
internal enum FilterSupport
{
    /// <summary>The proxy does what it asks, or it asks nothing.</summary>
    Done,

    /// <summary>It is not there; traffic passes without it.</summary>
    Missing,

    /// <summary>It is not there, and it decides who may pass: nobody may.</summary>
    Refusing,
}

/// <summary>The filters that istiod puts into a waypoint's chains, by the type of their configuration.</summary>
internal static class FilterCatalogue
{
    public static FilterSupport Judge(Any? config, TranslationScope scope)
    {
        switch (config?.TypeName())
        {
            // The end of the chain; peer metadata, filter state and statistics, which telemetry takes from WDS.
            case "envoy.extensions.filters.http.router.v3.Router":
            case "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig":
            case "envoy.extensions.filters.http.set_filter_state.v3.Config":
            case "envoy.extensions.filters.network.set_filter_state.v3.Config":
            case "envoy.tcp.metadataexchange.config.MetadataExchange":
            case "io.istio.http.peer_metadata.Config":
            case "stats.PluginConfig":
                return FilterSupport.Done;

            // There for routes to configure; empty by itself.
            case "envoy.extensions.filters.http.cors.v3.Cors":
                return config.Open<Cors>(scope, "typed_config").Equals(new Cors()) ? FilterSupport.Done : FilterSupport.Missing;
            case "envoy.extensions.filters.http.fault.v3.HTTPFault":
                return config.Open<HTTPFault>(scope, "typed_config").Equals(new HTTPFault()) ? FilterSupport.Done : FilterSupport.Missing;

            // Shadow rules only watch.
            case "envoy.extensions.filters.http.rbac.v3.RBAC":
                return config.Open<Envoy.Extensions.Filters.Http.Rbac.V3.RBAC>(scope, "typed_config").Rules is null
                    ? FilterSupport.Missing
                    : FilterSupport.Refusing;
            case "envoy.extensions.filters.network.rbac.v3.RBAC":
                return config.Open<Envoy.Extensions.Filters.Network.Rbac.V3.RBAC>(scope, "typed_config").Rules is null
                    ? FilterSupport.Missing
                    : FilterSupport.Refusing;
            case "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication":
            case "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz":
            case "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz":
                return FilterSupport.Refusing;

            default:
                return FilterSupport.Missing;
        }
    }
}
