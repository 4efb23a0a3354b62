using Envoy.Extensions.Filters.Http.Cors.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.Cors;
using Waypoint.Proxy.Routing;
using CorsPolicy = Waypoint.Proxy.Filters.Cors.CorsPolicy;
using Wire = Envoy.Extensions.Filters.Http.Cors.V3;

namespace Waypoint.Proxy.Xds.Translation.Filters;

/// <summary>Cross-origin resource sharing; the policies are the routes'.</summary>
internal sealed class CorsTranslator : IHttpFilterTranslator
{
    public string Type => Cors.Descriptor.FullName;

    public string RouteType => Wire.CorsPolicy.Descriptor.FullName;

    public IHttpFilter Translate(FilterSource source) => new CorsFilter(source.Name, Random.Shared);

    public object TranslateRoute(FilterSource source)
    {
        var policy = source.Config.Open<Wire.CorsPolicy>(source.Scope, "typed_per_filter_config");
        return new CorsPolicy
        {
            Origins = [.. policy.AllowOriginStringMatch.Select(origin => StringTranslator.Translate(origin, source.Scope, "allow_origin_string_match"))],
            AllowMethods = policy.AllowMethods,
            AllowHeaders = policy.AllowHeaders,
            ExposeHeaders = policy.ExposeHeaders,
            MaxAge = policy.MaxAge,
            AllowCredentials = policy.AllowCredentials ?? false,
            AllowPrivateNetwork = policy.AllowPrivateNetworkAccess ?? false,

            // A policy in the shadow alone is judged and not enforced; nobody looks at the verdict.
            Enabled = policy switch
            {
                { FilterEnabled: { } share } => RouteMatchTranslator.Share(share),
                { ShadowEnabled: not null } => new Fraction(0, 100),
                _ => new Fraction(100, 100),
            },
            ForwardsForeignPreflights = policy.ForwardNotMatchingPreflights ?? true,
        };
    }
}
