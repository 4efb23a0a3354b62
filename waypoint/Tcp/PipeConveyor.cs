using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Tcp;

/// <summary>Moves bytes by splice(2) through a pipe: they never enter this process.</summary>
internal sealed class PipeConveyor : Conveyor
{
    // One fill can hold what a fast connection's receive queue does. Past the user's soft limit on pipe pages (64 MB in all) the
    // kernel refuses, and the pipe stays at its default of 64 KiB.
    private const int WantedCapacity = 1 << 20;

    private readonly int _readEnd;
    private readonly int _writeEnd;

    private PipeConveyor(int readEnd, int writeEnd)
    {
        _readEnd = readEnd;
        _writeEnd = writeEnd;
        _ = Libc.FileControl(writeEnd, Linux.SetPipeSize, WantedCapacity);
    }

    /// <summary>Null when the process has no file descriptor left for a pipe.</summary>
    public static unsafe PipeConveyor? TryCreate()
    {
        var ends = stackalloc int[2];
        return Libc.Pipe(ends, Linux.NonBlocking | Linux.CloseOnExec) < 0 ? null : new PipeConveyor(ends[0], ends[1]);
    }

    public override nint Fill(LoopSocket from)
    {
        var moved = from.SpliceTo(_writeEnd, WantedCapacity);
        Pending = Math.Max(moved, 0);
        return moved;
    }

    public override nint Drain(LoopSocket to)
    {
        var moved = to.SpliceFrom(_readEnd, Pending);
        Pending -= Math.Max(moved, 0);
        return moved;
    }

    public override void Dispose()
    {
        _ = Libc.Close(_readEnd);
        _ = Libc.Close(_writeEnd);
    }
}
