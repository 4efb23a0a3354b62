using System.IO.Pipelines;
using System.Net.Security;
using Waypoint.Proxy.Hbone;

namespace Waypoint.Proxy.Tls;

/// <summary>A TLS connection as one end of a bridge to an event loop.</summary>
/// <param name="tls">The connection.</param>
/// <param name="endTransport">Ends our direction of what carries it.</param>
/// <param name="resetTransport">Resets what carries it.</param>
internal sealed class EncryptedStream(SslStream tls, Action endTransport, Action resetTransport) : ITunnelStream
{
    public PipeReader Input { get; } = PipeReader.Create(tls, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true, useZeroByteReads: true));

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => await tls.WriteAsync(bytes).ConfigureAwait(false);

    // RFC 8446 section 6.1: close_notify ends one direction.
    public async ValueTask EndAsync()
    {
        await tls.ShutdownAsync().ConfigureAwait(false);
        endTransport();
    }

    public void Reset() => resetTransport();
}
