namespace Waypoint.Proxy.Tcp;

/// <summary>
/// The conveyors of one loop, used on its thread only. A pipe costs two descriptors and up to 1 MiB, a buffer 64 KiB; they are lent for
/// as long as bytes are on the way, so ten thousand idle connections hold none.
/// </summary>
internal sealed class ConveyorPool
{
    private const int Kept = 32;

    private readonly Stack<Conveyor> _pipes = new();
    private readonly Stack<Conveyor> _buffers = new();

    /// <param name="isBulk">
    /// Whether much is expected: splicing a gigabyte takes a third of the CPU of copying it, but copying a hundred bytes takes fewer and
    /// cheaper system calls than splicing them.
    /// </param>
    public Conveyor Rent(bool isBulk)
    {
        if (isBulk && (_pipes.TryPop(out var pipe) || (pipe = PipeConveyor.TryCreate()) is not null))
        {
            return pipe;
        }

        return _buffers.TryPop(out var buffer) ? buffer : new BufferConveyor();
    }

    public void Return(Conveyor conveyor)
    {
        var idle = conveyor is PipeConveyor ? _pipes : _buffers;
        if (conveyor.Pending == 0 && idle.Count < Kept)
        {
            idle.Push(conveyor);
        }
        else
        {
            conveyor.Dispose();
        }
    }
}
