using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Tcp;

/// <summary>
/// Carries bytes from one socket to another. It holds what was read and not yet written, so a direction needs one only while
/// bytes are on the way (<see cref="ConveyorPool"/>).
/// </summary>
internal abstract class Conveyor : IDisposable
{
    /// <summary>Bytes read and not yet written.</summary>
    public nint Pending { get; protected set; }

    /// <summary>The last <see cref="Fill"/> took all there was: trying again would be in vain, unless there was an event since.</summary>
    public bool HasEmptiedSource { get; protected set; }

    /// <summary>Takes what the socket has; only while nothing is pending. Zero is the end of the stream, negative an errno.</summary>
    public abstract nint Fill(LoopSocket from);

    /// <summary>Writes some of what is pending. Negative is an errno.</summary>
    public abstract nint Drain(LoopSocket to);

    public abstract void Dispose();
}
