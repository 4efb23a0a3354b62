using Waypoint.NodeAgent.Enrolment.Labels;
using Waypoint.NodeAgent.Kubernetes;

namespace Waypoint.NodeAgent.Hosting;

/// <summary>Follows the Kubernetes API for as long as the agent runs, and enrols the pods of this node by their labels.</summary>
internal sealed class LabelEnrolment(
    AgentOptions options, KubernetesClient client, NodePods pods, PodEnroller enroller, PodAnnotator annotator, ILoggerFactory loggers)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        ILogger logger = loggers.CreateLogger("Waypoint.NodeAgent.Kubernetes.Reflector");
        var patience = new ReflectorOptions();
        Task first = await Task.WhenAny(
            new Reflector<Kubernetes.Model.Pod>(
                client, ApiResources.Pods, $"spec.nodeName={options.Node.Name}", pods, patience, logger).RunAsync(stoppingToken),
            new Reflector<Kubernetes.Model.Namespace>(client, ApiResources.Namespaces, null, pods, patience, logger).RunAsync(stoppingToken),
            Task.Run(() => enroller.RunAsync(annotator.Update, stoppingToken), stoppingToken),
            annotator.RunAsync(stoppingToken)).ConfigureAwait(false);

        // They end with the agent only, whatever that breaks off, or by a failure that it must not survive in silence.
        if (!stoppingToken.IsCancellationRequested)
        {
            await first.ConfigureAwait(false);
        }
    }
}
