using System.Diagnostics;
using Waypoint.Proxy.Hbone.Inbound;
using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.Listening;

namespace Waypoint.Proxy.Drain;

/// <summary>
/// What happens between SIGTERM and the exit, in this order: readiness goes; for the drain time new connections are still served, as
/// the nodes learn only by and by that this waypoint leaves; the door closes; requests under way end; what is left is closed.
/// The host runs it before it stops any service.
/// </summary>
internal sealed partial class GracefulShutdown(
    DrainState drain,
    ListeningPlane plane,
    HboneServer hbone,
    ListeningMetrics metrics,
    PodEnvironment pod,
    ILogger<GracefulShutdown> logger) : IHostedLifecycleService
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);

    // For those who got in last: time for their first bytes to come and to reach the HTTP server, which else would take them for idle.
    private static readonly TimeSpan FirstBytesTime = TimeSpan.FromMilliseconds(250);

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // Whoever asked for a drain before (POST /drain) has waited already.
        if (!drain.IsDraining)
        {
            drain.Begin();
            Draining(metrics.Active);
            await WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await plane.StopAcceptingAsync();
        DoorClosed(metrics.Active);

        // A tunnel is a door too: whoever comes through one from now on may find nobody.
        hbone.BeginStop();
        await SettleAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        if (!pod.ExitOnZeroActiveConnections)
        {
            await Task.Delay(pod.ProxyConfig.TerminationDrainDuration, cancellationToken);
            return;
        }

        await Task.Delay(pod.MinimumDrainDuration, cancellationToken);
        while (metrics.Active > 0)
        {
            await Task.Delay(LookAgain, cancellationToken);
        }
    }

    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (metrics.Undecided > 0 && Stopwatch.GetElapsedTime(started) < FirstBytesTime)
        {
            await Task.Delay(LookAgain, cancellationToken);
        }

        await Task.Delay(LookAgain, cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Draining; {Active} connections are open")]
    private partial void Draining(long active);

    [LoggerMessage(Level = LogLevel.Information, Message = "No new connections from now on; {Active} are open")]
    private partial void DoorClosed(long active);
}
