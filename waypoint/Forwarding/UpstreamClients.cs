using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Tls;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// The connection pools towards backends: one handler for each set of connection settings in use, shared by all endpoints
/// (a handler keeps a pool for each address and protocol in it).
/// </summary>
/// <param name="tunnels">Reaches endpoints that are marked for HBONE; without it they are dialled plainly.</param>
internal sealed class UpstreamClients(UpstreamTunnels? tunnels = null) : IDisposable
{
    private readonly ConcurrentDictionary<(TimeSpan Connect, TimeSpan Idle, TimeSpan Age, string? Tls), SocketsHttpHandler> _handlers = [];

    public HttpMessageHandler For(Cluster cluster) =>
        _handlers.GetOrAdd(
            (cluster.ConnectTimeout, cluster.IdleTimeout, cluster.MaxConnectionDuration, cluster.Tls?.Key),
            (key, tls) => Create(key.Connect, key.Idle, key.Age, tls),
            cluster.Tls);

    /// <summary>
    /// Forbids the client library to send an HTTP/1 request more than once. By itself it sends one without content up to four times
    /// when connections end before an answer, even new ones (measured), whatever the method. Whether there is another try is for the route's policy
    /// and budget to say. On HTTP/2 it repeats only what the backend said it did not touch, which is safe.
    /// </summary>
    /// <remarks>
    /// The version policy is the mark, because it costs nothing: <c>Exact</c> says "not written yet", <c>OrLower</c> "written";
    /// for HTTP/1.1 both mean the same.
    /// </remarks>
    public static void AllowOneWrite(HttpRequestMessage request) => request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;

    public void Dispose()
    {
        foreach (var handler in _handlers.Values)
        {
            handler.Dispose();
        }
    }

    private SocketsHttpHandler Create(TimeSpan connectTimeout, TimeSpan idleTimeout, TimeSpan age, UpstreamTls? tls) => new()
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = connectTimeout > TimeSpan.Zero ? connectTimeout : Timeout.InfiniteTimeSpan,
        PooledConnectionIdleTimeout = idleTimeout > TimeSpan.Zero ? idleTimeout : Timeout.InfiniteTimeSpan,

        // Backends are addresses, and an address does not move.
        PooledConnectionLifetime = age > TimeSpan.Zero ? age : Timeout.InfiniteTimeSpan,
        EnableMultipleHttp2Connections = true,
        MaxResponseHeadersLength = 64,
        RequestHeaderEncodingSelector = static (name, request) => EncodingFor(name, request),
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ConnectCallback = (context, cancellationToken) => ConnectAsync(context, tls, cancellationToken),
    };

    // Asked for each header whenever a head is written, so this is where a second writing shows. Every request has an id.
    private static Encoding EncodingFor(string name, HttpRequestMessage request)
    {
        if (request.Version.Major == 1 && name.Equals(EnvoyHeaders.RequestId, StringComparison.OrdinalIgnoreCase))
        {
            if (request.VersionPolicy != HttpVersionPolicy.RequestVersionExact)
            {
                throw new HttpRequestException(HttpRequestError.ResponseEnded, "The connection ended before the answer.");
            }

            request.VersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
        }

        return Encoding.Latin1;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, UpstreamTls? tls, CancellationToken cancellationToken)
    {
        var (address, isTunnelled, host) = UpstreamOrigin.Read(context.DnsEndPoint);
        Stream connection = isTunnelled && tunnels is not null && await tunnels.OpenAsync(address, null, cancellationToken).ConfigureAwait(false) is { } tunnel
            ? new OutboundDuplexStream(tunnel)
            : await DialAsync(address, cancellationToken).ConfigureAwait(false);
        if (tls is null)
        {
            return connection;
        }

        // A pool is of one version of HTTP, and the other one must not come out of the handshake. The client library takes a stream that is encrypted already as it is.
        IEnumerable<string> alpn = context.InitialRequestMessage.Version.Major == 2 ? ["h2"] : tls.Alpn.Where(protocol => protocol != "h2");
        return await TlsHandshake.ConnectAsync(connection, tls, host, alpn, cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask<Stream> DialAsync(IPEndPoint address, CancellationToken cancellationToken)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, cancellationToken).ConfigureAwait(false);
            return new UpstreamConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
