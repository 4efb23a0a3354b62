using Waypoint.NodeAgent.Reconciliation;

namespace Waypoint.NodeAgent.Enrolment;

/// <summary>Looks now and then which network namespaces are gone, and lets the reconciler try again what failed.</summary>
internal sealed class NamespaceSweeper(Reconciler reconciler) : BackgroundService
{
    // An entry of a namespace that ended hurts nobody (its cookie never comes back); it only takes room.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            reconciler.Sweep(LiveNamespaces.Find());
        }
    }
}
