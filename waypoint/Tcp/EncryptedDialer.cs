using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Waypoint.Proxy.Hbone;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.Sockets;
using Waypoint.Proxy.Tls;

namespace Waypoint.Proxy.Tcp;

/// <summary>
/// Connects to an endpoint that wants TLS. What is encrypted here cannot be spliced: the loop has one end of a socket pair, and the bytes pass through this process.
/// </summary>
internal static class EncryptedDialer
{
    /// <returns>The loop's end and our address; the address is null, and the socket too, when there is no connection. Continues on the loop.</returns>
    public static async ValueTask<(LoopSocket? Socket, IPEndPoint? Local)> ConnectAsync(EventLoop loop, IPEndPoint remote, UpstreamTls tls, TimeSpan timeout)
    {
        var socket = new Socket(remote.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        TcpKeepAlive.Enable((int)socket.Handle);
        using var limit = new CancellationTokenSource(timeout > TimeSpan.Zero ? timeout : Timeout.InfiniteTimeSpan);
        try
        {
            await socket.ConnectAsync(remote, limit.Token).ConfigureAwait(false);
            var local = (IPEndPoint)socket.LocalEndPoint!;
            var stream = await TlsHandshake.ConnectAsync(new NetworkStream(socket, ownsSocket: true), tls, host: null, tls.Alpn, limit.Token).ConfigureAwait(false);
            await loop.SwitchAsync();
            return (Join(loop, stream, () => socket.Shutdown(SocketShutdown.Send), Reset), local);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or TlsFailureException)
        {
            socket.Dispose();
            await loop.SwitchAsync();
            return default;
        }

        void Reset()
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
            socket.Dispose();
        }
    }

    /// <summary>TLS inside of a tunnel, whose stream this takes over. Continues on the loop.</summary>
    /// <returns>The loop's end; null when the handshake failed.</returns>
    public static async ValueTask<LoopSocket?> EncryptAsync(EventLoop loop, OutboundStream tunnel, UpstreamTls tls, TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout > TimeSpan.Zero ? timeout : Timeout.InfiniteTimeSpan);
        try
        {
            var stream = await TlsHandshake.ConnectAsync(new OutboundDuplexStream(tunnel), tls, host: null, tls.Alpn, limit.Token).ConfigureAwait(false);
            await loop.SwitchAsync();
            return Join(loop, stream, () => _ = tunnel.EndAsync().AsTask(), tunnel.Reset);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or TlsFailureException)
        {
            tunnel.Cancel();
            await loop.SwitchAsync();
            return null;
        }
    }

    private static LoopSocket Join(EventLoop loop, SslStream stream, Action endTransport, Action resetTransport)
    {
        var bridge = new StreamBridge(new EncryptedStream(stream, endTransport, resetTransport), SocketPair.Create(out var far));
        bridge.Far = new LoopSocket(loop, far, isLocal: true) { Resetting = bridge.Resetting };
        _ = RunAsync(bridge, stream);
        return bridge.Far;
    }

    private static async Task RunAsync(StreamBridge bridge, Stream stream)
    {
        await using (stream.ConfigureAwait(false))
        {
            await bridge.RunAsync().ConfigureAwait(false);
        }
    }
}
