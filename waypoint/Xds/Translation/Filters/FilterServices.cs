using Waypoint.Proxy.Filters.Rbac;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Xds.Translation.Filters.Rbac;

namespace Waypoint.Proxy.Xds.Translation.Filters;

/// <summary>The filters that the program knows.</summary>
internal static class FilterServices
{
    /// <summary>Adds <see cref="FilterCatalogue"/>; needs <see cref="MeshState"/>.</summary>
    public static IServiceCollection AddFilters(this IServiceCollection services)
    {
        services.AddSingleton<FilterCatalogue>();
        services.AddSingleton<PeerIdentity>();

        services.AddSingleton<IHttpFilterTranslator, FaultTranslator>();
        services.AddSingleton<IHttpFilterTranslator, CorsTranslator>();

        services.AddSingleton<RbacMetrics>();
        services.AddSingleton<IHttpFilterTranslator, RbacTranslator>();
        services.AddSingleton<INetworkFilterTranslator, RbacConnectionTranslator>();
        return services;
    }
}
