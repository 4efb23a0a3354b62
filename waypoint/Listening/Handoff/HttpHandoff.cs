using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Waypoint.Proxy.Listening.Handoff;

/// <summary>
/// The door between the listening plane and Kestrel. Kestrel cannot tell HTTP/1.1 from HTTP/2 without TLS, so it has one endpoint
/// for each, and connections come to them already told apart, over a queue instead of a port.
/// </summary>
internal sealed class HttpHandoff : IConnectionListenerFactory, IDisposable
{
    private readonly SocketConnectionContextFactory _factory;
    private readonly ListeningMetrics _metrics;
    private readonly Listener _http1 = new(new InProcessEndPoint(HttpProtocols.Http1));
    private readonly Listener _http2 = new(new InProcessEndPoint(HttpProtocols.Http2));

    public HttpHandoff(ListeningMetrics metrics, ILoggerFactory loggers)
    {
        _metrics = metrics;
        _factory = new SocketConnectionContextFactory(
            new SocketConnectionFactoryOptions { UnsafePreferInlineScheduling = InlineScheduling.IsEnabled },
            loggers.CreateLogger<HttpHandoff>());
    }

    /// <summary>What Kestrel is to listen on.</summary>
    public IEnumerable<InProcessEndPoint> EndPoints => [_http1.Place, _http2.Place];

    /// <summary>Gives a connection to the HTTP server, which closes it.</summary>
    public void Offer(Socket socket, SniffedProtocol protocol, ConnectionDestination destination)
    {
        var connection = _factory.Create(socket);
        connection.RemoteEndPoint = destination.Client;
        connection.Features.Set<IConnectionDestination>(destination);
        bool isTaken;
        if (protocol == SniffedProtocol.Http2)
        {
            _metrics.CountHttp2();
            isTaken = _http2.Offer(connection);
        }
        else
        {
            _metrics.CountHttp1();
            isTaken = _http1.Offer(connection);
        }

        if (!isTaken)
        {
            connection.Abort(new ConnectionAbortedException("The HTTP server has stopped."));
        }
    }

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IConnectionListener>(ReferenceEquals(endpoint, _http2.Place) ? _http2 : _http1);

    public void Dispose() => _factory.Dispose();

    private sealed class Listener(InProcessEndPoint place) : IConnectionListener
    {
        private readonly Channel<ConnectionContext> _offered =
            Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });

        public InProcessEndPoint Place => place;

        public EndPoint EndPoint => place;

        public bool Offer(ConnectionContext connection) => _offered.Writer.TryWrite(connection);

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            await _offered.Reader.WaitToReadAsync(cancellationToken) && _offered.Reader.TryRead(out var connection) ? connection : null;

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _offered.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
