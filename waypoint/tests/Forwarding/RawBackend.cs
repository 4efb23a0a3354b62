using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>A backend that says exactly what it is told to, on a real socket, and keeps exactly what it heard.</summary>
internal sealed class RawBackend : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentBag<RawConnection> _connections = [];
    private readonly Func<RawConnection, Task> _serve;

    private RawBackend(Func<RawConnection, Task> serve)
    {
        _serve = serve;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        Address = (IPEndPoint)_listener.LocalEndPoint!;
        _ = AcceptAsync();
    }

    public IPEndPoint Address { get; }

    /// <summary>Each request heard, head and body as they came; not kept by <see cref="Serving"/>.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    public int Connections => _connections.Count;

    /// <summary>A backend that runs <paramref name="serve"/> on every connection and closes it afterwards.</summary>
    public static RawBackend Serving(Func<RawConnection, Task> serve) => new(serve);

    /// <summary>A backend that gives every request the same bytes for an answer, on connections that stay open.</summary>
    public static RawBackend Answering(string response) => Answering(_ => response);

    public static RawBackend Answering(Func<string, string> respond)
    {
        RawBackend? backend = null;
        backend = new RawBackend(async connection =>
        {
            while (await connection.ReadMessageAsync() is { Length: > 0 } request)
            {
                backend!.Requests.Enqueue(request);
                await connection.SendAsync(respond(request));
            }
        });
        return backend;
    }

    /// <summary>A backend that hears one request on each connection and ends it without an answer.</summary>
    public static RawBackend Breaking()
    {
        RawBackend? backend = null;
        backend = new RawBackend(async connection =>
        {
            if (await connection.ReadMessageAsync() is { Length: > 0 } request)
            {
                backend!.Requests.Enqueue(request);
            }
        });
        return backend;
    }

    /// <summary>The only request heard.</summary>
    public string Request => Assert.Single(Requests);

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        foreach (var connection in _connections)
        {
            await connection.DisposeAsync();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var connection = new RawConnection(await _listener.AcceptAsync());
                _connections.Add(connection);
                _ = ServeAsync(connection);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return;
        }
    }

    private async Task ServeAsync(RawConnection connection)
    {
        try
        {
            await _serve(connection);
            await connection.DisposeAsync();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            await connection.DisposeAsync();
        }
    }
}
