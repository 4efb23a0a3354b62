using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Waypoint.Proxy.Hbone.Inbound;

/// <summary>An HBONE connection whose handshake is done, as Kestrel takes it: HTTP/2 on top of TLS, without Kestrel's own transport in between.</summary>
internal sealed class TunnelConnection : ConnectionContext, IDuplexPipe
{
    // A whole TLS record: the default of 4 KiB would make four records, and four system calls, of it.
    private const int BufferSize = 16 * 1024;

    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;
    private readonly SslStream _tls;
    private readonly CancellationTokenSource _closed = new();

    public TunnelConnection(Socket socket, SslStream tls, TunnelPeer peer)
    {
        _socket = socket;
        _tls = tls;
        RemoteEndPoint = peer.Remote;
        LocalEndPoint = peer.Local;
        Features.Set(peer);
        Transport = this;
        ConnectionClosed = _closed.Token;

        // Zero-byte reads: a silent connection holds no buffer.
        Input = PipeReader.Create(tls, new StreamPipeReaderOptions(bufferSize: BufferSize, leaveOpen: true, useZeroByteReads: true));
        Output = new TunnelOutput(PipeWriter.Create(tls, new StreamPipeWriterOptions(minimumBufferSize: BufferSize, leaveOpen: true)));
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    public override IDuplexPipe Transport { get; set; }

    public override string ConnectionId { get; set; } = Guid.NewGuid().ToString("N");

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new ConnectionItems();

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public override void Abort(ConnectionAbortedException abortReason) => _socket.Dispose();

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await _tls.ShutdownAsync().WaitAsync(FarewellTime).ConfigureAwait(false);
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException or TimeoutException)
        {
            // The peer is gone already.
        }

        _socket.Dispose();
        await _tls.DisposeAsync().ConfigureAwait(false);
        await _closed.CancelAsync().ConfigureAwait(false);
        _closed.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
