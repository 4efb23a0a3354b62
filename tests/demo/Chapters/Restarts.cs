using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;
using Waypoint.TestBed.Traffic;

namespace Waypoint.Demo.Chapters;

/// <summary>Everything is killed once, under a load that forgives nothing.</summary>
internal static class Restarts
{
    private const int Requests = 5000;
    private static readonly TimeSpan LoadDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan DrainDeadline = TimeSpan.FromSeconds(30);

    internal static Chapter Chapter { get; } = new($"Restarts, under {SteadyLoadOptions.Default.NewConnectionsPerSecond} new connections a second and {SteadyLoadOptions.Default.OpenConnections} open ones", [
        new("kill -9 the node agent; start it again", $"0 failures of {Requests:N0}", mesh => UnderLoadAsync(mesh, async load =>
        {
            await mesh.Agent.Process.KillAsync();
            await load.WaitForMoreAsync(Requests / 4, LoadDeadline);
            await mesh.Agent.StartAsync();
            await mesh.AgentAdmin.WaitForConvergenceAsync();
        })),
        new("kill -9 the control plane; start it again", $"0 failures of {Requests:N0}", mesh => UnderLoadAsync(mesh, async load =>
        {
            await mesh.ControlPlane.Process.KillAsync();
            await load.WaitForMoreAsync(Requests / 4, LoadDeadline);
            await mesh.ControlPlane.StartAsync();
        })),
        new("Replace both waypoints, one after the other (SIGTERM)", $"0 failures of {Requests:N0}", mesh => UnderLoadAsync(mesh, async _ =>
        {
            foreach (string waypoint in mesh.Waypoints.Keys.Order(StringComparer.Ordinal))
            {
                await mesh.ReplaceWaypointAsync(waypoint, DrainDeadline);
            }
        })),
        new("Kill every waypoint; dial 100 times", "every connect() refused at once", RefusalAsync),
        new("Start one waypoint again", "traffic within a second of its being ready", RecoveryAsync),
    ]);

    private static async Task<Seen> UnderLoadAsync(LocalMesh mesh, Func<SteadyLoad, Task> disturb)
    {
        await using SteadyLoad load = SteadyLoad.Start(mesh["client"], "echo.shop", 80, SteadyLoadOptions.Default);
        await load.WaitForMoreAsync(Requests / 4, LoadDeadline);
        await disturb(load);
        await load.WaitForMoreAsync(Math.Max(Requests / 4, Requests - load.NewConnections), LoadDeadline);
        await load.StopAsync();
        return new Seen(load.Failures.Count == 0, load.Failures.Count == 0
            ? $"0 failures of {load.NewConnections:N0} new connections and {load.OpenRequests:N0} requests on open ones"
            : $"{load.Failures.Count} failures of {load.NewConnections + load.OpenRequests:N0}: {load.Failures.First()}");
    }

    private static async Task<Seen> RefusalAsync(LocalMesh mesh)
    {
        foreach (string waypoint in mesh.Waypoints.Keys)
        {
            mesh.Config.Remove($"{waypoint}.yaml");
            await mesh.Waypoints[waypoint].Process.KillAsync();
        }
        TimeSpan slowest = TimeSpan.Zero;
        Dictionary<SocketError, int> outcomes = [];
        for (int dial = 0; dial < 100; dial++)
        {
            long start = Stopwatch.GetTimestamp();
            SocketError outcome = await DialAsync(mesh);
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            slowest = took > slowest ? took : slowest;
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }
        return new Seen(
            outcomes.GetValueOrDefault(SocketError.ConnectionRefused) == 100 && slowest < TimeSpan.FromMilliseconds(250),
            string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", outcomes.Select(outcome => $"{outcome.Value} × {outcome.Key}"))}; the slowest {slowest.TotalMilliseconds:0.0} ms"));
    }

    private static async Task<Seen> RecoveryAsync(LocalMesh mesh)
    {
        TimeSpan ready = await mesh.Waypoints["waypoint-a"].StartAsync();
        mesh.Config.Restore("waypoint-a.yaml");
        TimeSpan took = await Eventually.TrueAsync(async () => await DialAsync(mesh) == SocketError.Success, TimeSpan.FromSeconds(10), "a connection through the new waypoint");
        HttpAnswer answer = await HttpConnection.OnceAsync(mesh["client"], "echo.shop", 80, "GET / HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n");

        await mesh.Waypoints["waypoint-b"].StartAsync();
        mesh.Config.Restore("waypoint-b.yaml");
        return new Seen(answer.Status == 200 && took < TimeSpan.FromSeconds(1), string.Create(CultureInfo.InvariantCulture,
            $"ready {ready.TotalMilliseconds:0} ms after exec, traffic {took.TotalMilliseconds:0} ms later"));
    }

    private static async Task<SocketError> DialAsync(LocalMesh mesh)
    {
        try
        {
            using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(5));
            using Socket socket = await mesh["client"].ConnectAsync("echo.shop", 80, deadline.Token);
            return SocketError.Success;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode;
        }
        catch (OperationCanceledException)
        {
            return SocketError.TimedOut;
        }
    }
}
