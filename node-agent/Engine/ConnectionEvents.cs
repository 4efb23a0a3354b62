using Waypoint.NodeAgent.Libbpf;

namespace Waypoint.NodeAgent.Engine;

/// <summary>The stream of connection events; one reader at a time, on a thread of its own.</summary>
internal sealed class ConnectionEvents : IDisposable
{
    private readonly RingBuffer _ring;

    internal ConnectionEvents(BpfDescriptor map) => _ring = new RingBuffer(map);

    /// <summary>Takes what is there, at most what fits; does not wait.</summary>
    /// <returns>How many events were taken.</returns>
    public int Read(Span<ConnectionEvent> events) => _ring.Read(events);

    /// <summary>Returns when many events are waiting, else after <paramref name="timeout"/>: few events are worth no wake-up.</summary>
    public void Wait(TimeSpan timeout) => _ring.Wait(timeout);

    public void Dispose() => _ring.Dispose();
}
