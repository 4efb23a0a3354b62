namespace Waypoint.Proxy.Listening;

/// <summary>Opens the door when everything behind it runs, and at the end closes what is still open.</summary>
internal sealed class ListeningService(ListeningPlane plane) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        plane.Start();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await plane.StopAcceptingAsync();
        plane.Dispose();
    }
}
