using Microsoft.Extensions.DependencyInjection.Extensions;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Telemetry;
using Waypoint.Proxy.Telemetry.AccessLogging;
using Waypoint.Proxy.Telemetry.Tracing;

namespace Waypoint.Proxy.Forwarding;

internal static class ForwardingServices
{
    /// <summary>
    /// Adds <see cref="RequestPipeline"/>, and <see cref="ProxyApplication"/> for Kestrel to run. Needs <see cref="MeshState"/>;
    /// takes <see cref="AccessLogSettings"/> from the environment unless they are there already.
    /// </summary>
    public static IServiceCollection AddForwarding(this IServiceCollection services)
    {
        services.AddHttpForwarder();
        services.TryAddSingleton<UpstreamClients>();
        services.AddSingleton<Mirroring>();
        services.AddSingleton<BackendForwarder>();
        services.TryAddSingleton(_ => AccessLogSettings.FromEnvironment());
        services.AddSingleton<AccessLog>();
        services.AddSingleton<IstioMetrics>();
        services.TryAddSingleton<ClusterClient>();
        services.AddSingleton<SpanExporter>();
        services.AddSingleton<Tracer>();
        services.AddSingleton<RequestTelemetry>();
        services.AddSingleton<RequestPipeline>();
        services.AddSingleton<ProxyApplication>();

        // YARP warns of each failed request; the access log says the same, and more.
        services.Configure<LoggerFilterOptions>(static options => options.AddFilter("Yarp", LogLevel.None));
        return services;
    }
}
