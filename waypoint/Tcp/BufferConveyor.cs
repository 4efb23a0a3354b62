using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Tcp;

/// <summary>Copies bytes through memory: for when there is no pipe to be had, or a socket that cannot be spliced.</summary>
internal sealed class BufferConveyor : Conveyor
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;

    public override nint Fill(LoopSocket from)
    {
        var received = from.Receive(_buffer);
        _start = 0;
        Pending = Math.Max(received, 0);
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
