using System.Net.Sockets;
using Waypoint.Proxy.Sockets;
using Waypoint.Proxy.Tcp;

namespace Waypoint.Proxy.Tests.Tcp;

public sealed class RelayTests
{
    [Fact]
    public async Task What_comes_while_the_other_side_is_full_is_passed_on_once_there_is_room()
    {
        using var loop = new EventLoop("relay");
        using var client = SocketPair.Create(out var fromClient);
        using var upstream = SocketPair.Create(out var toUpstream);
        var ended = RunAsync(loop, fromClient, toUpstream);

        // Piece by piece, so that each is all there is: the one that finds no room is a short read too.
        var piece = new byte[1000];
        var sent = 0;
        do
        {
            sent += client.Send(piece);
        }
        while (await ArrivesAsync(upstream, sent));

        // Both edges, of bytes and of the end, are raised while the relay waits for room.
        sent += client.Send(piece);
        client.Shutdown(SocketShutdown.Send);
        await Task.Delay(100);

        Assert.Equal(sent, await ReadToEndAsync(upstream).WaitAsync(TimeSpan.FromSeconds(10)));
        upstream.Shutdown(SocketShutdown.Send);
        Assert.Equal(RelayEnd.Finished, await ended.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    private static Task<RelayEnd> RunAsync(EventLoop loop, int client, int upstream)
    {
        var ended = new TaskCompletionSource<RelayEnd>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(async () => ended.SetResult(await new Relay(
            new LoopSocket(loop, client, isLocal: true), new LoopSocket(loop, upstream, isLocal: true), new ConveyorPool(), TimeSpan.Zero).RunAsync(null)));
        return ended.Task;
    }

    private static async Task<bool> ArrivesAsync(Socket at, int bytes)
    {
        for (var tries = 0; tries < 50 && at.Available < bytes; tries++)
        {
            await Task.Delay(10);
        }

        return at.Available == bytes;
    }

    private static async Task<int> ReadToEndAsync(Socket socket)
    {
        var (buffer, total) = (new byte[64 * 1024], 0);
        for (int received; (received = await socket.ReceiveAsync(buffer)) > 0;)
        {
            total += received;
        }

        return total;
    }
}
