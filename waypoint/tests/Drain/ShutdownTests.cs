using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Tests.Hosting;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Proxy.Tests.Xds;

namespace Waypoint.Proxy.Tests.Drain;

/// <summary>The whole program from SIGTERM on.</summary>
public sealed class ShutdownTests : IAsyncLifetime
{
    private const string Get = "GET /x HTTP/1.1\r\nHost: shop\r\n\r\n";
    private readonly Backend _bytes = new();
    private TestControlPlane _control = null!;
    private HttpBackend _http = null!;

    public async Task InitializeAsync()
    {
        _control = await TestControlPlane.StartAsync();
        _http = await HttpBackend.StartAsync(context =>
        {
            context.Response.ContentLength = 6;
            return context.Response.WriteAsync("answer");
        });
        RunningWaypoint.Publish(_control, _http.Http1, _bytes.Address);
    }

    public async Task DisposeAsync()
    {
        await _control.DisposeAsync();
        await _http.DisposeAsync();
        _bytes.Dispose();
    }

    /// <summary>Eight clients with kept-alive connections and new ones; both waypoints are replaced meanwhile, one after the other.</summary>
    [Fact]
    public async Task A_rolling_restart_of_two_waypoints_loses_no_request()
    {
        // Longer than a client may be kept waiting between finding a waypoint ready and connecting to it.
        var drain = TimeSpan.FromSeconds(1.5);
        var waypoints = new RunningWaypoint[] { await StartAsync(drain), await StartAsync(drain) };
        var failures = new ConcurrentQueue<string>();
        var answered = 0;
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                // What the node agent does: only those that are ready get new connections.
                var ready = waypoints.Where(w => Volatile.Read(ref w).IsReady).ToArray();
                try
                {
                    using var client = await ready[Random.Shared.Next(ready.Length)].ConnectAsync(RunningWaypoint.HttpService);
                    var isKept = true;
                    for (var request = 0; isKept && request < (i % 2 == 0 ? 1 : int.MaxValue) && !stop.IsCancellationRequested; request++)
                    {
                        await client.SendAsync(Get);
                        var answer = await client.ReadResponseAsync();
                        Assert.True(answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal), $"request {request}: {answer}");
                        isKept = !answer.Contains("Connection: close", StringComparison.OrdinalIgnoreCase);
                        Interlocked.Increment(ref answered);
                    }
                }
                catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or Xunit.Sdk.XunitException)
                {
                    failures.Enqueue(e.Message);
                }
            }
        })).ToArray();

        for (var i = 0; i < waypoints.Length; i++)
        {
            var before = Volatile.Read(ref answered);
            await SocketExtensions.UntilAsync(() => Volatile.Read(ref answered) > before + 200 || !failures.IsEmpty);
            Assert.Empty(failures);
            var old = waypoints[i];
            await old.DisposeAsync();
            Volatile.Write(ref waypoints[i], await StartAsync(drain));
        }

        var after = Volatile.Read(ref answered);
        await SocketExtensions.UntilAsync(() => Volatile.Read(ref answered) > after + 200);
        await stop.CancelAsync();
        await Task.WhenAll(clients);
        Assert.Empty(failures);
        foreach (var waypoint in waypoints)
        {
            await waypoint.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_passed_through_connection_lasts_until_the_drain_is_over()
    {
        await using var waypoint = await StartAsync(TimeSpan.FromMilliseconds(600));
        using var client = await waypoint.ConnectAsync(RunningWaypoint.TcpService);
        using var server = await _bytes.AcceptAsync();
        var watch = Stopwatch.StartNew();
        var stopped = waypoint.StopAsync();
        await client.SendAsync("still here");
        Assert.Equal("still here", await server.ReadAsync(10));
        Assert.Equal("", await client.ReadToEndAsync());
        Assert.True(watch.ElapsedMilliseconds >= 600, $"It ended after {watch.ElapsedMilliseconds} ms");
        await stopped;
    }

    [Fact]
    public async Task With_exit_on_zero_the_program_leaves_with_its_last_connection()
    {
        var pod = RunningWaypoint.Pod(TimeSpan.FromMinutes(1)) with { ExitOnZeroActiveConnections = true, MinimumDrainDuration = TimeSpan.FromMilliseconds(50) };
        await using var waypoint = await StartAsync(pod);
        var client = await waypoint.ConnectAsync(RunningWaypoint.TcpService);
        using var server = await _bytes.AcceptAsync();
        var stopped = waypoint.StopAsync();
        await SocketExtensions.UntilAsync(() => !waypoint.IsReady);
        await client.SendAsync("x");
        Assert.Equal("x", await server.ReadAsync(1));
        Assert.False(stopped.IsCompleted);
        client.Dispose();
        server.Dispose();
        await stopped.WaitAsync(SocketExtensions.Patience);
    }

    [Fact]
    public async Task A_drain_that_was_asked_for_before_is_not_repeated()
    {
        await using var waypoint = await StartAsync(TimeSpan.FromMinutes(1));
        using var http = new HttpClient();
        using var response = await http.PostAsync(new Uri($"http://{waypoint.Agent}/drain"), null);
        await waypoint.StopAsync().WaitAsync(SocketExtensions.Patience);
    }

    private Task<RunningWaypoint> StartAsync(TimeSpan drain) => StartAsync(RunningWaypoint.Pod(drain));

    private async Task<RunningWaypoint> StartAsync(Waypoint.Proxy.Hosting.PodEnvironment pod)
    {
        var waypoint = await RunningWaypoint.StartAsync(_control.Address, pod);
        await SocketExtensions.UntilAsync(() => waypoint.IsReady);
        return waypoint;
    }
}
