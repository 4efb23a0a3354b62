using Waypoint.NodeAgent.ClusterServices;
using Waypoint.NodeAgent.Kubernetes;
using Waypoint.NodeAgent.Kubernetes.Model;

namespace Waypoint.NodeAgent.Hosting;

/// <summary>Follows the services of the cluster for as long as the agent runs, where there is no kube-proxy.</summary>
internal sealed class KubeProxyReplacement(KubernetesClient client, ServiceInventory inventory, ServiceServer server, ILoggerFactory loggers)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ILogger logger = loggers.CreateLogger("Waypoint.NodeAgent.Kubernetes.Reflector");
        var patience = new ReflectorOptions();
        Task first = await Task.WhenAny(
            new Reflector<Service>(client, ApiResources.Services, null, inventory, patience, logger).RunAsync(stoppingToken),
            new Reflector<EndpointSlice>(client, ApiResources.EndpointSlices, null, inventory, patience, logger).RunAsync(stoppingToken),
            Task.Run(() => server.RunAsync(stoppingToken), stoppingToken)).ConfigureAwait(false);

        // They end with the agent only, whatever that breaks off, or by a failure that it must not survive in silence.
        if (!stoppingToken.IsCancellationRequested)
        {
            await first.ConfigureAwait(false);
        }
    }
}
