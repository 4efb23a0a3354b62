using Waypoint.Xds.Metrics;

namespace Waypoint.Proxy.Admin;

internal static class AdminServices
{
    /// <summary>Adds the admin server; it starts before what is added after it and outlives it.</summary>
    public static IServiceCollection AddAdmin(this IServiceCollection services)
    {
        services.AddSingleton<PrometheusExporter>(_ => new PrometheusExporter());
        services.AddSingleton<MetricsPage>();
        services.AddSingleton<Readiness>();
        services.AddSingleton<ConfigDump>();
        services.AddSingleton<SecretsDump>();
        services.AddSingleton<ClusterStatus>();
        services.AddSingleton<ListenerStatus>();
        services.AddSingleton<ServerInfo>();
        services.AddSingleton<UnsupportedPage>();
        services.AddSingleton(provider => new AdminServer(AdminPorts.Build(provider), provider.GetRequiredService<ILoggerFactory>()));
        services.AddHostedService(provider => provider.GetRequiredService<AdminServer>());
        return services;
    }
}
