using Microsoft.Extensions.DependencyInjection.Extensions;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.ExtAuthz;
using Waypoint.Proxy.Filters.LocalRateLimit;
using Waypoint.Proxy.Filters.Rbac;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Xds.Translation.Filters.ExtAuthz;
using Waypoint.Proxy.Xds.Translation.Filters.JwtAuthn;
using Waypoint.Proxy.Xds.Translation.Filters.LocalRateLimit;
using Waypoint.Proxy.Xds.Translation.Filters.Rbac;

namespace Waypoint.Proxy.Xds.Translation.Filters;

/// <summary>The filters that the program knows.</summary>
internal static class FilterServices
{
    /// <summary>Adds <see cref="FilterCatalogue"/>; needs <see cref="MeshState"/>.</summary>
    public static IServiceCollection AddFilters(this IServiceCollection services)
    {
        services.AddSingleton<ExtensionStore>();
        services.AddSingleton<FilterCatalogue>();
        services.AddSingleton<PeerIdentity>();

        services.AddSingleton<IHttpFilterTranslator, FaultTranslator>();
        services.AddSingleton<IHttpFilterTranslator, CorsTranslator>();

        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<UpstreamClients>();
        services.AddSingleton<ClusterClient>();
        services.AddSingleton<JwtProviderTranslator>();
        services.AddSingleton<IHttpFilterTranslator, JwtAuthnTranslator>();

        services.AddSingleton<ExtAuthzMetrics>();
        services.AddSingleton<AuthorizerTranslator>();
        services.AddSingleton<IHttpFilterTranslator, ExtAuthzTranslator>();
        services.AddSingleton<INetworkFilterTranslator, ExtAuthzConnectionTranslator>();

        services.AddSingleton<LocalRateLimitMetrics>();
        services.AddSingleton<IHttpFilterTranslator, LocalRateLimitTranslator>();

        services.AddSingleton<RbacMetrics>();
        services.AddSingleton<IHttpFilterTranslator, RbacTranslator>();
        services.AddSingleton<INetworkFilterTranslator, RbacConnectionTranslator>();
        return services;
    }
}
