using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Tcp;

/// <summary>Copies bytes through memory: for small messages, and for when there is no pipe to be had or a socket cannot be spliced.</summary>
internal sealed class BufferConveyor : Conveyor
{
    public const int Capacity = 64 * 1024;

    private readonly byte[] _buffer = new byte[Capacity];
    private int _start;

    public override nint Fill(LoopSocket from)
    {
        var received = from.Receive(_buffer);
        _start = 0;
        Pending = Math.Max(received, 0);

        // epoll(7): a short read has emptied the queue, and what comes next raises an edge of its own. An end of stream that came
        // along with these bytes does not.
        HasEmptiedSource = received is > 0 and < Capacity && !from.HasPeerClosed;
        return received;
    }

    public override nint Drain(LoopSocket to)
    {
        var sent = to.Send(_buffer.AsSpan(_start, (int)Pending));
        if (sent > 0)
        {
            _start += (int)sent;
            Pending -= sent;
        }

        return sent;
    }

    public override void Dispose()
    {
    }
}
