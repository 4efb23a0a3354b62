using Microsoft.AspNetCore.Hosting.Server;
using Waypoint.Proxy.Admin;
using Waypoint.Proxy.Drain;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Hbone;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Listening.Handoff;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Telemetry.Stats;
using Waypoint.Proxy.Xds;

namespace Waypoint.Proxy.Hosting;

/// <summary>The composition root: what the program is made of, in the order in which it starts; it stops in the reverse order.</summary>
internal static class WaypointHost
{
    /// <param name="options">What the program is told.</param>
    /// <param name="adjust">For tests: replaces what was added before it.</param>
    public static IHost Build(WaypointOptions options, Action<IServiceCollection>? adjust = null)
    {
        // Empty: no configuration files to watch and nothing that writes to a disk; the pod's root is read-only.
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        var services = builder.Services;
        builder.Logging.AddWaypointConsole(options.Arguments);
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownTimeout);
        services.AddSingleton(options);
        services.AddSingleton(options.Pod);
        services.AddSingleton(options.Listening);
        services.AddSingleton(options.Hbone);
        services.AddSingleton(options.Tcp);

        services.AddSingleton(HistogramBuckets.Parse(options.Pod.Annotations.GetValueOrDefault(HistogramBuckets.Annotation)));

        services.AddMesh();
        services.AddForwarding();
        services.AddSingleton<IHttpApplication<DefaultHttpContext>>(provider => provider.GetRequiredService<ProxyApplication>());

        services.AddSingleton<DrainState>();
        services.AddSingleton<ListeningMetrics>();
        services.AddSingleton<Rejections>();
        services.AddSingleton<HttpHandoff>();
        services.AddSingleton<ListeningPlane>();
        services.AddSingleton<ITcpObserver, TcpTelemetry>();

        services.AddAdmin();
        services.AddHbone(options.Pod);
        services.AddHostedService<HttpServer>();
        services.AddHostedService<ListeningService>();
        services.AddHostedService<GracefulShutdown>();
        adjust?.Invoke(services);
        return builder.Build();
    }
}
