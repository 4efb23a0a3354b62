using System.Diagnostics;
using System.Net.Sockets;
using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;
using Waypoint.TestBed.Traffic;
using Xunit.Abstractions;

namespace Waypoint.Mesh.Tests;

/// <summary>What ends and starts again under a load that forgives nothing.</summary>
[Collection(WholeMesh.Name)]
public sealed class RestartTests(DemoMesh demo, ITestOutputHelper output)
{
    private const int Requests = 5000;
    private const string Get = "GET / HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public Task An_agent_killed_with_9_and_started_again_fails_no_connection() => UnderLoadAsync(async load =>
    {
        await demo.Mesh.Agent.Process.KillAsync();
        await load.WaitForMoreAsync(Requests / 4, Deadline);
        await demo.Mesh.Agent.StartAsync();
        await demo.Mesh.AgentAdmin.WaitForConvergenceAsync();
    });

    [Fact]
    public Task A_restart_of_the_control_plane_fails_no_connection() => UnderLoadAsync(async load =>
    {
        await demo.Mesh.ControlPlane.Process.KillAsync();
        await load.WaitForMoreAsync(Requests / 4, Deadline);
        await demo.Mesh.ControlPlane.StartAsync();
    });

    [Fact]
    public Task A_rolling_replacement_of_both_waypoints_fails_no_connection() => UnderLoadAsync(async load =>
    {
        foreach (string waypoint in demo.Mesh.Waypoints.Keys.Order(StringComparer.Ordinal))
        {
            output.WriteLine($"{waypoint} leaves after {load.Elapsed.TotalSeconds:0.0} s");
            await demo.Mesh.ReplaceWaypointAsync(waypoint, Deadline);
            output.WriteLine($"{waypoint} is back after {load.Elapsed.TotalSeconds:0.0} s");
        }
    });

    [Fact]
    public async Task An_edit_made_while_the_agent_was_dead_is_live_once_it_is_back()
    {
        await demo.Mesh.Agent.Process.KillAsync();
        demo.Mesh.Config.Remove("plain.yaml");
        await demo.Mesh.Agent.StartAsync();
        await demo.Mesh.AgentAdmin.WaitForConvergenceAsync();
        await Eventually.TrueAsync(async () => await DialAsync("plain.plain") == SocketError.NetworkUnreachable, Deadline, "the service to be gone");

        demo.Mesh.Config.Restore("plain.yaml");
        await Eventually.TrueAsync(async () => await DialAsync("plain.plain") == SocketError.Success, Deadline, "the service to be back");
    }

    [Fact]
    public async Task Without_a_waypoint_connections_are_refused_at_once_and_with_one_they_come_back()
    {
        LocalMesh mesh = demo.Mesh;
        double refused = await mesh.AgentAdmin.CounterAsync("refused_no_waypoint");
        foreach (string waypoint in mesh.Waypoints.Keys)
        {
            mesh.Config.Remove($"{waypoint}.yaml");
            await mesh.Waypoints[waypoint].Process.KillAsync();
        }
        try
        {
            await Eventually.TrueAsync(async () =>
            {
                long start = Stopwatch.GetTimestamp();
                Assert.Equal(SocketError.ConnectionRefused, await DialAsync("echo.shop"));
                Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(250), "refused, but not at once");
                return await mesh.AgentAdmin.CounterAsync("refused_no_waypoint") > refused;
            }, Deadline, "the kernel to refuse by itself");
        }
        finally
        {
            foreach (MeshProgram waypoint in mesh.Waypoints.Values)
            {
                await waypoint.StartAsync();
                mesh.Config.Restore($"{waypoint.Name}.yaml");
                TimeSpan took = await Eventually.TrueAsync(async () => await DialAsync("echo.shop") == SocketError.Success, Deadline, "a connection");
                output.WriteLine($"{waypoint.Name}: traffic after {took.TotalMilliseconds:0} ms");
                Assert.True(took < TimeSpan.FromSeconds(1));
            }
        }
        Assert.Equal(200, (await HttpConnection.OnceAsync(demo.Client, "echo.shop", 80, Get)).Status);
    }

    private async Task UnderLoadAsync(Func<SteadyLoad, Task> disturb)
    {
        await using SteadyLoad load = SteadyLoad.Start(demo.Client, "echo.shop", 80, SteadyLoadOptions.Default);
        await load.WaitForMoreAsync(Requests / 4, Deadline);
        await disturb(load);
        await load.WaitForMoreAsync(Math.Max(Requests / 4, Requests - load.NewConnections), Deadline);
        await load.StopAsync();
        output.WriteLine($"{load.NewConnections} new connections, {load.OpenRequests} requests on open ones");
        Assert.True(load.Failures.Count == 0, $"{load.Failures.Count} failures:\n{string.Join('\n', load.Failures.Take(20))}");
    }

    private async Task<SocketError> DialAsync(string host)
    {
        try
        {
            using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(5));
            using Socket socket = await demo.Client.ConnectAsync(host, 80, deadline.Token);
            return SocketError.Success;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode;
        }
    }
}
