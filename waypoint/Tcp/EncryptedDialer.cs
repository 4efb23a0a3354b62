using System.Net;
using System.Net.Sockets;
using Waypoint.Proxy.Hbone;
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
            var bridge = new StreamBridge(new EncryptedStream(socket, stream), SocketPair.Create(out var far));
            bridge.Far = new LoopSocket(loop, far, isLocal: true) { Resetting = bridge.Resetting };
            _ = RunAsync(bridge, stream);
            return (bridge.Far, local);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or TlsFailureException)
        {
            socket.Dispose();
            await loop.SwitchAsync();
            return default;
        }
    }

    private static async Task RunAsync(StreamBridge bridge, Stream stream)
    {
        await using (stream.ConfigureAwait(false))
        {
            await bridge.RunAsync().ConfigureAwait(false);
        }
    }
}
