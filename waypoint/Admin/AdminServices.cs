using Waypoint.Proxy.Drain;
using Waypoint.Proxy.Mesh;

namespace Waypoint.Proxy.Admin;

internal static class AdminServices
{
    /// <summary>Adds the admin server; it starts before what is added after it and outlives it.</summary>
    public static IServiceCollection AddAdmin(this IServiceCollection services)
    {
        services.AddSingleton(provider =>
        {
            var mesh = provider.GetRequiredService<MeshState>();
            return new Readiness(() => !ReferenceEquals(mesh.Current, MeshSnapshot.Empty), provider.GetRequiredService<DrainState>());
        });
        services.AddSingleton<ConfigDump>();
        services.AddSingleton<ClusterStatus>();
        services.AddSingleton<ListenerStatus>();
        services.AddSingleton<ServerInfo>();
        services.AddSingleton<UnsupportedPage>();
        services.AddSingleton(provider => new AdminServer(AdminPorts.Build(provider), provider.GetRequiredService<ILoggerFactory>()));
        services.AddHostedService(provider => provider.GetRequiredService<AdminServer>());
        return services;
    }
}
