using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// The connection pools towards backends: one handler for each set of connection settings in use, shared by all endpoints
/// (a handler keeps a pool for each address and protocol in it).
/// </summary>
internal sealed class UpstreamClients : IDisposable
{
    private readonly ConcurrentDictionary<(TimeSpan Connect, TimeSpan Idle), SocketsHttpHandler> _handlers = [];

    public HttpMessageHandler For(Cluster cluster) =>
        _handlers.GetOrAdd((cluster.ConnectTimeout, cluster.IdleTimeout), static key => Create(key.Connect, key.Idle));

    public void Dispose()
    {
        foreach (var handler in _handlers.Values)
        {
            handler.Dispose();
        }
    }

    private static SocketsHttpHandler Create(TimeSpan connectTimeout, TimeSpan idleTimeout) => new()
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = connectTimeout > TimeSpan.Zero ? connectTimeout : Timeout.InfiniteTimeSpan,
        PooledConnectionIdleTimeout = idleTimeout > TimeSpan.Zero ? idleTimeout : Timeout.InfiniteTimeSpan,

        // Backends are addresses, and an address does not move.
        PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
        EnableMultipleHttp2Connections = true,
        MaxResponseHeadersLength = 64,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ConnectCallback = static (context, cancellationToken) => ConnectAsync(context.DnsEndPoint, cancellationToken),
    };

    private static async ValueTask<Stream> ConnectAsync(DnsEndPoint endpoint, CancellationToken cancellationToken)
    {
        var address = IPAddress.Parse(endpoint.Host);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, endpoint.Port), cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
