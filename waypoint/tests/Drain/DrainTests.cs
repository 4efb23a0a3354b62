using System.Collections.Concurrent;
using System.Net.Sockets;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Tests.Listening;

namespace Waypoint.Proxy.Tests.Drain;

public sealed class DrainTests
{
    private const string Get = "GET /x HTTP/1.1\r\nHost: shop\r\n\r\n";

    [Fact]
    public async Task While_draining_an_HTTP1_answer_asks_the_client_to_go_elsewhere()
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var client = await front.ConnectAsync(Front.HttpService);
        await client.SendAsync(Get);
        Assert.DoesNotContain("Connection: close", await client.ReadResponseAsync(), StringComparison.Ordinal);

        front.Drain.Begin();
        await client.SendAsync(Get);
        var answer = await client.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_was_under_way_when_draining_began_is_answered()
    {
        await using var front = (await Front.StartAsync()).Serve();
        var arrived = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        front.Application.Before = async _ =>
        {
            arrived.SetResult();
            await release.Task;
        };
        using var client = await front.ConnectAsync(Front.HttpService);
        await client.SendAsync(Get);
        await arrived.Task;

        front.Drain.Begin();
        await front.Plane.StopAcceptingAsync();
        var stopped = front.StopHttpAsync();
        release.SetResult();
        Assert.StartsWith("HTTP/1.1 200", await client.ReadToEndAsync(), StringComparison.Ordinal);
        await stopped;
    }

    [Fact]
    public async Task While_draining_an_HTTP2_client_is_told_to_go_elsewhere_and_its_request_is_answered()
    {
        await using var front = (await Front.StartAsync()).Serve();
        var isTold = new TaskCompletionSource();
        front.Application.Before = _ => isTold.Task;
        front.Drain.Begin();
        using var client = await front.ConnectAsync(Front.HttpService);
        await client.SendAsync(Http2.Preface);
        await client.SendAsync(Http2.Get("/x"));
        await Http2.ReadUntilAsync(client, frame => frame.Type == Http2.GoAway);
        isTold.SetResult();
        await Http2.ReadUntilAsync(client, frame => frame is { Type: Http2.Data, EndsStream: true });
    }

    [Fact]
    public async Task An_idle_connection_is_left_alone_while_draining()
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var client = await front.ConnectAsync(Front.HttpService);
        await client.SendAsync(Get);
        await client.ReadResponseAsync();
        front.Drain.Begin();
        Assert.False(client.Poll(TimeSpan.FromMilliseconds(100), SelectMode.SelectRead));
        await client.SendAsync(Get);
        Assert.StartsWith("HTTP/1.1 200", await client.ReadResponseAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_the_door_closes_every_client_that_had_connected_is_served()
    {
        var front = (await Front.StartAsync()).Serve();
        var outcomes = new ConcurrentBag<string>();
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                Socket client;
                try
                {
                    using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(400));
                    client = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                    await client.ConnectAsync(front.Plane.LocalEndPoint, patience.Token);
                }
                catch (Exception e) when (e is SocketException or OperationCanceledException)
                {
                    return;
                }

                using (client)
                {
                    await client.SendAsync(Front.Header(client, Front.HttpService));
                    await client.SendAsync(Get);
                    outcomes.Add((await client.ReadResponseAsync())[..12]);
                }
            }
        })).ToArray();

        await SocketExtensions.UntilAsync(() => outcomes.Count > 50);
        await front.Plane.StopAcceptingAsync();
        await Task.WhenAll(clients);
        Assert.All(outcomes, outcome => Assert.Equal("HTTP/1.1 200", outcome));
        await front.DisposeAsync();
    }

    [Fact]
    public async Task A_passed_through_connection_goes_on_after_the_door_closed_until_the_plane_ends()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        using var server = await backend.AcceptAsync();
        front.Drain.Begin();
        await front.Plane.StopAcceptingAsync();
        await client.SendAsync("still");
        Assert.Equal("still", await server.ReadAsync(5));
        front.Plane.Dispose();
        Assert.Equal("", await client.ReadToEndAsync());
        Assert.Equal("", await server.ReadToEndAsync());
    }
}
