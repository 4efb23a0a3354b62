using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using Waypoint.Proxy.Hbone;

namespace Waypoint.Proxy.Tls;

/// <summary>A TLS connection as one end of a bridge to an event loop.</summary>
internal sealed class EncryptedStream(Socket socket, SslStream tls) : ITunnelStream
{
    public PipeReader Input { get; } = PipeReader.Create(tls, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true, useZeroByteReads: true));

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => await tls.WriteAsync(bytes).ConfigureAwait(false);

    // RFC 8446 section 6.1: close_notify ends one direction.
    public async ValueTask EndAsync()
    {
        await tls.ShutdownAsync().ConfigureAwait(false);
        socket.Shutdown(SocketShutdown.Send);
    }

    public void Reset()
    {
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        socket.Dispose();
    }
}
