using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.ExtAuthz;
using Wire = Envoy.Extensions.Filters.Network.ExtAuthz.V3;

namespace Waypoint.Proxy.Xds.Translation.Filters.ExtAuthz;

/// <summary><c>envoy.filters.network.ext_authz</c>: what istiod makes of the action CUSTOM for connections.</summary>
internal sealed class ExtAuthzConnectionTranslator(AuthorizerTranslator authorizers, ExtAuthzMetrics metrics) : INetworkFilterTranslator
{
    public string Type => "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz";

    public INetworkFilter? Translate(FilterSource source)
    {
        var scope = source.Scope;
        var config = source.Config.Open<Wire.ExtAuthz>(scope, "typed_config");
        if (config.GrpcService is null)
        {
            throw scope.Invalid("grpc_service", "missing");
        }

        scope.UnsupportedIf(config.IncludePeerCertificate, "ext_authz include_peer_certificate");
        scope.UnsupportedIf(config.IncludeTlsSession, "ext_authz include_tls_session");
        scope.UnsupportedIf(config.BootstrapMetadataLabelsKey.Length > 0, "ext_authz bootstrap_metadata_labels_key");
        return new ExtAuthzConnectionFilter(
            config.FilterEnabledMetadata is null ? null : MetadataTranslator.Translate(config.FilterEnabledMetadata, scope),
            config.FailureModeAllow,
            authorizers.Grpc(config.GrpcService, new HeaderChoice(null, []), [], bodyAsBytes: false, source),
            metrics);
    }
}
