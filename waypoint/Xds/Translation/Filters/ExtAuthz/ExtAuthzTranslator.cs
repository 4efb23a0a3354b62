using System.Collections.Frozen;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.ExtAuthz;
using Wire = Envoy.Extensions.Filters.Http.ExtAuthz.V3;

namespace Waypoint.Proxy.Xds.Translation.Filters.ExtAuthz;

/// <summary><c>envoy.filters.http.ext_authz</c>: what istiod makes of the action CUSTOM for requests.</summary>
internal sealed class ExtAuthzTranslator(AuthorizerTranslator authorizers, ExtAuthzMetrics metrics) : IHttpFilterTranslator
{
    public string Type => "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";

    public string RouteType => "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";

    public IHttpFilter? Translate(FilterSource source)
    {
        var scope = source.Scope;
        var config = source.Config.Open<Wire.ExtAuthz>(scope, "typed_config");
        scope.UnsupportedIf(config.IncludePeerCertificate, "ext_authz include_peer_certificate");
        scope.UnsupportedIf(config.IncludeTlsSession, "ext_authz include_tls_session");
        scope.UnsupportedIf(config.EncodeRawHeaders, "ext_authz encode_raw_headers");
        scope.UnsupportedIf(config.TypedMetadataContextNamespaces.Count > 0, "ext_authz typed_metadata_context_namespaces");
        scope.UnsupportedIf(config.BootstrapMetadataLabelsKey.Length > 0, "ext_authz bootstrap_metadata_labels_key");
        var body = Body(config.WithRequestBody, scope);
        var headers = new HeaderChoice(
            config.AllowedHeaders is null ? null : AuthorizerTranslator.Patterns(config.AllowedHeaders, "allowed_headers", scope),
            AuthorizerTranslator.Patterns(config.DisallowedHeaders, "disallowed_headers", scope));
        IAuthorizer authorizer = config.ServicesCase switch
        {
            Wire.ExtAuthz.ServicesOneofCase.GrpcService =>
                authorizers.Grpc(config.GrpcService, headers, config.MetadataContextNamespaces, body?.AsBytes ?? false, source),
            Wire.ExtAuthz.ServicesOneofCase.HttpService => authorizers.Http(config.HttpService, headers, source),
            _ => throw scope.Invalid("services", "missing"),
        };
        var settings = new ExtAuthzSettings
        {
            EnabledMetadata = config.FilterEnabledMetadata is null ? null : MetadataTranslator.Translate(config.FilterEnabledMetadata, scope),
            DenyAtDisable = config.DenyAtDisable?.DefaultValue ?? false,
            FailureModeAllow = config.FailureModeAllow,
            FailureModeAllowHeader = config.FailureModeAllowHeaderAdd,
            StatusOnError = (int)(config.StatusOnError?.Code ?? Envoy.Type.V3.StatusCode.Forbidden),
            Body = body,
            ClearsRoute = config.ClearRouteCache,
        };
        return new ExtAuthzFilter(
            source.Name,
            config.FilterEnabled is null ? settings : settings with { Enabled = RouteMatchTranslator.Share(config.FilterEnabled) },
            authorizer,
            metrics);
    }

    public object TranslateRoute(FilterSource source)
    {
        var config = source.Config.Open<ExtAuthzPerRoute>(source.Scope, "typed_per_filter_config");
        return config.OverrideCase switch
        {
            ExtAuthzPerRoute.OverrideOneofCase.Disabled => ExtAuthzRouteSettings.None with { Disabled = config.Disabled },
            ExtAuthzPerRoute.OverrideOneofCase.CheckSettings => new ExtAuthzRouteSettings(
                false,
                config.CheckSettings.ContextExtensions.ToFrozenDictionary(StringComparer.Ordinal),
                config.CheckSettings.DisableRequestBodyBuffering,
                Body(config.CheckSettings.WithRequestBody, source.Scope)),
            _ => throw source.Scope.Invalid("override", "missing"),
        };
    }

    private static BodySettings? Body(BufferSettings? body, TranslationScope scope) => body switch
    {
        null => null,
        { MaxRequestBytes: 0 or > int.MaxValue } => throw scope.Invalid("with_request_body.max_request_bytes", $"{body.MaxRequestBytes} is out of range"),
        _ => new BodySettings((int)body.MaxRequestBytes, body.AllowPartialMessage, body.PackAsBytes),
    };
}
