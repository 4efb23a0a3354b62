using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Enrolment.Labels;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.NodeAgent.Reporting;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Hosting;

/// <summary>
/// Puts the kernel's programs in force: at once when they go on with maps that an earlier life filled, else when the maps are filled.
/// Nothing takes them out of force again when the agent ends.
/// </summary>
internal sealed partial class EngineAttachment(
    Node node, KernelEngine engine, Reconciler reconciler, Readiness readiness, ILogger<EngineAttachment> logger, PodEnroller? enroller = null)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!engine.Adopted)
        {
            // Without a kube-proxy the mesh's control plane cannot be there first: it needs its services served to start.
            await (node.ReplacesKubeProxy ? reconciler.Served : reconciler.Synchronized).WaitAsync(stoppingToken).ConfigureAwait(false);
            if (enroller is not null)
            {
                await enroller.Synchronized.WaitAsync(stoppingToken).ConfigureAwait(false);
            }
        }

        IReadOnlyList<string> programs = engine.Attach();
        readiness.Attached = true;
        LogAttached(engine.Adopted ? "adopted" : "new", string.Join(", ", programs));
    }

    [LoggerMessage(LogLevel.Information, "kernel engine in force on {Maps} maps; programs put in force: {Programs}")]
    private partial void LogAttached(string maps, string programs);
}
