using Waypoint.NodeAgent.ClusterServices;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Enrolment;
using Waypoint.NodeAgent.Enrolment.Labels;
using Waypoint.NodeAgent.Kubernetes;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.NodeAgent.Reporting;
using Waypoint.Xds.Metrics;

namespace Waypoint.NodeAgent.Hosting;

/// <summary>The composition root: what the agent is made of.</summary>
internal static class AgentHost
{
    private const string Timestamp = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z' ";

    /// <param name="engine">Open; the caller disposes of it after the host.</param>
    public static WebApplication Build(AgentOptions options, KernelEngine engine)
    {
        // Empty: no configuration files to watch.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        AddLogging(builder.Logging);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(options.AdminAddress);
            kestrel.Listen(options.MetricsAddress);
        });

        IServiceCollection services = builder.Services;
        services.AddRoutingCore();
        services.AddSingleton(options);
        services.AddSingleton(options.Node);
        services.AddSingleton(engine);
        services.AddSingleton<IKernelMaps>(engine);
        services.AddSingleton(engine.Counters);
        services.AddSingleton<Reconciler>();
        services.AddSingleton<Readiness>();
        services.AddSingleton(provider => new ConnectionReporter(
            provider.GetRequiredService<Reconciler>(),
            options.ConnectionLog ? new ConnectionLog(Console.Out, TimeProvider.System) : null));
        services.AddSingleton<AgentMetrics>();
        services.AddSingleton(_ => new PrometheusExporter());
        services.AddSingleton<AdminEndpoints>();

        if (options.Kubernetes)
        {
            services.AddSingleton(new KubernetesClient(KubernetesConfiguration.Load(Environment.GetEnvironmentVariable)));
            services.AddSingleton(new PodLocator(new PodCgroups(options.CgroupPath)));
            services.AddSingleton<NodePods>();
            services.AddSingleton<PodEnroller>();
            services.AddSingleton<PodAnnotator>();
            services.AddHostedService<LabelEnrolment>();
        }

        if (options.Node.ReplacesKubeProxy)
        {
            services.AddSingleton<ServiceInventory>();
            services.AddSingleton<ServiceServer>();
            services.AddSingleton<ServiceDialer>();
            services.AddHostedService<KubeProxyReplacement>();
        }

        services.AddHostedService<EngineAttachment>();
        services.AddHostedService<ControlPlaneSession>();
        services.AddHostedService<ConnectionEventPump>();
        services.AddHostedService<NamespaceSweeper>();

        WebApplication application = builder.Build();
        application.Services.GetRequiredService<AgentMetrics>();
        var exporter = application.Services.GetRequiredService<PrometheusExporter>();
        application.UseWhen(
            context => context.Connection.LocalPort == options.MetricsAddress.Port,
            metrics => metrics.Run(context => ServeMetricsAsync(context, exporter)));
        application.Services.GetRequiredService<AdminEndpoints>().Map(application);
        return application;
    }

    private static Task ServeMetricsAsync(HttpContext context, PrometheusExporter exporter)
    {
        if (context.Request.Path.Value is "/metrics" or "/stats/prometheus")
        {
            return exporter.WriteAsync(context.Response);
        }

        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static void AddLogging(ILoggingBuilder logging)
    {
        logging.SetMinimumLevel(LogLevel.Information);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = Timestamp;
        });
    }
}
