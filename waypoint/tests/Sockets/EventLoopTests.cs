using System.Net.Sockets;
using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Tests.Sockets;

public sealed class EventLoopTests
{
    /// <summary>A descriptor's number is given to the next file at once, so whoever still wakes the loop by it would write there.</summary>
    [Fact]
    public async Task A_loop_that_ends_writes_into_nobody_elses_file()
    {
        using var ended = new CancellationTokenSource();
        var others = Task.Run(() => Pairs(ended.Token).Count(HasBytes));
        for (var i = 0; i < 3000; i++)
        {
            var loop = new EventLoop("ending");
            var posting = Task.Run(() =>
            {
                for (var n = 0; n < 20; n++)
                {
                    loop.Post(() => { });
                }
            });
            loop.Dispose();
            await posting;
        }

        await ended.CancelAsync();
        Assert.Equal(0, await others);
    }

    /// <summary>Sockets that nobody sends to, each closed before the next.</summary>
    private static IEnumerable<Socket> Pairs(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            using var near = SocketPair.Create(out var descriptor);
            using var far = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
            yield return near;
            yield return far;
        }
    }

    private static bool HasBytes(Socket socket) => socket.Available > 0;
}
