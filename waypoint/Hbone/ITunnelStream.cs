using System.IO.Pipelines;

namespace Waypoint.Proxy.Hbone;

/// <summary>One stream of a tunnel, of either side. One reader and one writer at a time.</summary>
internal interface ITunnelStream
{
    /// <summary>What the peer sends; it completes with END_STREAM and throws when the peer resets.</summary>
    PipeReader Input { get; }

    /// <summary>Completes when the bytes may be used again; waits while the peer's flow control says so.</summary>
    /// <exception cref="IOException">The stream is over.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>Sends END_STREAM; reading goes on.</summary>
    ValueTask EndAsync();

    /// <summary>Ends both directions by RST_STREAM.</summary>
    void Reset();
}
