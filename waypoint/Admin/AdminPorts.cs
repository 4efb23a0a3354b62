using Waypoint.Proxy.Drain;
using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.Listening;

namespace Waypoint.Proxy.Admin;

/// <summary>What is answered on which port: those of Envoy and pilot-agent, as istiod, kubelet, Prometheus and istioctl expect them.</summary>
internal static class AdminPorts
{
    public static IReadOnlyList<AdminEndpoints> Build(IServiceProvider services)
    {
        var options = services.GetRequiredService<WaypointOptions>();
        var readiness = services.GetRequiredService<Readiness>();
        var metrics = services.GetRequiredService<MetricsPage>();
        var drain = services.GetRequiredService<DrainState>();
        var plane = services.GetRequiredService<ListeningPlane>();
        var lifetime = services.GetRequiredService<IHostApplicationLifetime>();

        return
        [
            new AdminEndpoints(options.Admin)
                .Get("/config_dump", services.GetRequiredService<ConfigDump>().AnswerAsync)
                .Get("/clusters", services.GetRequiredService<ClusterStatus>().AnswerAsync)
                .Get("/listeners", services.GetRequiredService<ListenerStatus>().AnswerAsync)
                .Get("/unsupported", services.GetRequiredService<UnsupportedPage>().AnswerAsync)
                .Get("/stats", metrics.AnswerPlainAsync)
                .Get("/stats/prometheus", metrics.AnswerAsync)
                .Get("/server_info", services.GetRequiredService<ServerInfo>().AnswerAsync)
                .Get("/ready", readiness.AnswerAsync)
                .Get("/certs", services.GetRequiredService<SecretsDump>().AnswerCertificatesAsync)
                .Get("/memory", MemoryPage.AnswerAsync)
                .Post("/logging", services.GetRequiredService<LogLevelSwitch>().AnswerAsync)
                .Post("/drain_listeners", DrainListenersAsync)
                .Post("/quitquitquit", QuitAsync),
            new AdminEndpoints(options.Agent)
                .Get("/healthz/ready", readiness.AnswerAsync)
                .Get("/stats/prometheus", metrics.AnswerAsync)
                .Get("/metrics", metrics.AnswerAsync)
                .Post("/drain", BeginDrainAsync)
                .Post("/quitquitquit", QuitAsync),
            new AdminEndpoints(options.Prometheus)
                .Get("/stats/prometheus", metrics.AnswerAsync),
            new AdminEndpoints(options.Ready)
                .Get("/healthz/ready", readiness.AnswerAsync),
        ];

        Task BeginDrainAsync(HttpContext context)
        {
            drain.Begin();
            return context.WriteTextAsync("OK\n");
        }

        async Task DrainListenersAsync(HttpContext context)
        {
            drain.Begin();
            if (!context.Request.Query.ContainsKey("graceful"))
            {
                await plane.StopAcceptingAsync();
            }

            await context.WriteTextAsync("OK\n");
        }

        async Task QuitAsync(HttpContext context)
        {
            await context.WriteTextAsync("OK\n");
            lifetime.StopApplication();
        }
    }
}
