namespace Waypoint.Proxy.Tcp;

/// <summary>
/// The conveyors of one loop, used on its thread only. A pipe costs two descriptors and up to 1 MiB, so it is lent for as long as
/// bytes are on the way: ten thousand idle connections share none.
/// </summary>
internal sealed class ConveyorPool
{
    private const int Kept = 32;

    private readonly Stack<Conveyor> _idle = new();

    public Conveyor Rent() => _idle.TryPop(out var conveyor) ? conveyor : PipeConveyor.TryCreate() ?? RentBuffer();

    public static Conveyor RentBuffer() => new BufferConveyor();

    public void Return(Conveyor conveyor)
    {
        if (conveyor is PipeConveyor { Pending: 0 } && _idle.Count < Kept)
        {
            _idle.Push(conveyor);
        }
        else
        {
            conveyor.Dispose();
        }
    }
}
