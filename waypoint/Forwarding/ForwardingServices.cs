using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Forwarding;

internal static class ForwardingServices
{
    /// <summary>Adds <see cref="RequestPipeline"/>, and <see cref="ProxyApplication"/> for Kestrel to run.</summary>
    public static IServiceCollection AddForwarding(this IServiceCollection services)
    {
        services.AddHttpForwarder();
        services.AddSingleton<UpstreamClients>();
        services.AddSingleton<Mirroring>();
        services.AddSingleton<BackendForwarder>();
        services.AddSingleton<RequestTelemetry>();
        services.AddSingleton<RequestPipeline>();
        services.AddSingleton<ProxyApplication>();

        // YARP warns of each failed request; the access log says the same, and more.
        services.Configure<LoggerFilterOptions>(static options => options.AddFilter("Yarp", LogLevel.None));
        return services;
    }
}
