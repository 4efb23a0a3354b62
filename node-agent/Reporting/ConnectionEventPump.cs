using Waypoint.NodeAgent.Engine;

namespace Waypoint.NodeAgent.Reporting;

/// <summary>A thread that takes the kernel's connection events to the reporter.</summary>
internal sealed class ConnectionEventPump(KernelEngine engine, ConnectionReporter reporter) : BackgroundService
{
    private const int BatchSize = 1024;

    // The kernel wakes the reader only when much is waiting; the rest is looked for this often.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.Factory.StartNew(() => Run(stoppingToken), stoppingToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken stop)
    {
        using ConnectionEvents events = engine.OpenEvents();
        var batch = new ConnectionEvent[BatchSize];
        while (!stop.IsCancellationRequested)
        {
            for (int taken = events.Read(batch); taken > 0; taken = events.Read(batch))
            {
                reporter.Report(batch.AsSpan(0, taken));
            }

            events.Wait(Interval);
        }
    }
}
