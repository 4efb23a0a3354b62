using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.LoadBalancing.Dns;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Xds.Translation.Filters;

namespace Waypoint.Proxy.Xds;

/// <summary>What makes the mesh known to the program.</summary>
internal static class MeshServices
{
    public static IServiceCollection AddMesh(this IServiceCollection services)
    {
        services.AddSingleton<MeshState>();
        services.AddSingleton(HealthClock.System);
        services.AddSingleton<EndpointStates>();
        services.AddFilters();
        services.AddSingleton<IHostResolver>(SystemResolver.Instance);
        services.AddSingleton<MeshModel>();
        services.AddSingleton(provider => ControlPlane.For(provider.GetRequiredService<PodEnvironment>()));
        services.AddSingleton<MeshSubscription>();
        services.AddHostedService(provider => provider.GetRequiredService<MeshSubscription>());
        return services;
    }
}
