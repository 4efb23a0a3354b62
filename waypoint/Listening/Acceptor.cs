using System.Net;
using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Listening;

/// <summary>Accepts connections on one socket.Loop.</summary>
internal sealed partial class Acceptor(ListeningSocket listener, LoopSocket socket, Action<int, IPEndPoint> accepted, ILogger logger)
{
    // Many round trips of a cluster: a handshake that has begun ends within it.
    private static readonly TimeSpan HandshakeTime = TimeSpan.FromMilliseconds(50);

    // Out of descriptors or memory; the connections wait in the kernel's queue meanwhile.
    private static readonly TimeSpan PauseWhenExhausted = TimeSpan.FromMilliseconds(20);

    private readonly SocketWait _pause = new();

    /// <summary>Call on the socket.Loop. Ends when the socket is closed.</summary>
    public async Task RunAsync()
    {
        while (socket.Descriptor >= 0)
        {
            var error = AcceptWaiting();
            if (error == -Linux.WouldBlock)
            {
                await socket.WaitReadableAsync();
            }
            else if (socket.Descriptor >= 0)
            {
                AcceptFailed(listener.LocalEndPoint, -error);
                await socket.Loop.DelayAsync(_pause, PauseWhenExhausted);
            }
        }
    }

    /// <summary>Accepts everything whose handshake has begun, then closes the door: nobody who was let in is turned away.</summary>
    public async Task CloseAsync()
    {
        listener.RefuseNewHandshakes();
        await Task.Delay(HandshakeTime);
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        socket.Loop.Post(() =>
        {
            _ = AcceptWaiting();
            socket.Dispose();
            closed.SetResult();
        });
        await closed.Task;
    }

    /// <summary>Empties the queue; the answer is the negative errno that ended it.</summary>
    private int AcceptWaiting()
    {
        while (true)
        {
            var descriptor = listener.Accept(out var peer);
            if (descriptor >= 0)
            {
                accepted(descriptor, peer!);
            }
            else if (descriptor is not (-Linux.Interrupted or -Linux.ConnectionAborted))
            {
                return descriptor;
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Cannot accept on {Address}: errno {Error}")]
    private partial void AcceptFailed(IPEndPoint address, int error);
}
