using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Enrolment.Labels;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.NodeAgent.Reporting;

namespace Waypoint.NodeAgent.Hosting;

/// <summary>
/// Puts the kernel's programs in force: at once when they go on with maps that an earlier life filled, else when the maps are filled.
/// Nothing takes them out of force again when the agent ends.
/// </summary>
internal sealed partial class EngineAttachment(
    KernelEngine engine, Reconciler reconciler, Readiness readiness, ILogger<EngineAttachment> logger, PodEnroller? enroller = null) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!engine.Adopted)
        {
            await reconciler.Synchronized.WaitAsync(stoppingToken).ConfigureAwait(false);
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
