using System.Collections.Concurrent;
using System.Net;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.Listening.Handoff;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Sockets;
using Waypoint.Proxy.Tcp;

namespace Waypoint.Proxy.Listening;

/// <summary>The one way in for traffic (design D7): accepts on the first loop and deals the connections out to all loops in turn.</summary>
internal sealed partial class ListeningPlane(
    ListeningSettings settings,
    TcpSettings tcpSettings,
    MeshState mesh,
    HttpHandoff http,
    ITcpObserver tcpObserver,
    Rejections rejections,
    ListeningMetrics metrics,
    ILogger<ListeningPlane> logger,
    UpstreamTunnels? tunnels = null) : IDisposable
{
    private readonly List<Lane> _lanes = [];
    private readonly ConcurrentBag<Acceptor> _acceptors = [];
    private volatile bool _isClosed;
    private uint _nextLane;

    /// <summary>Where it listens; the real port once started.</summary>
    public IPEndPoint LocalEndPoint { get; private set; } = settings.Address;

    /// <summary>Binds and begins to accept.</summary>
    public void Start()
    {
        var serverFirst = new ServerFirstMemory();
        for (var i = 0; i < settings.Loops; i++)
        {
            var loop = new EventLoop($"sockets-{i}");
            var tcp = new TcpProxy(loop, tcpSettings, tcpObserver, tunnels);
            _lanes.Add(new Lane(loop, new ConnectionIntake(settings, mesh, http, tcp, serverFirst, rejections, metrics)));
        }

        LocalEndPoint = Listen(settings.Address, (descriptor, peer) => Deal(lane => new IncomingConnection(new LoopSocket(lane.Loop, descriptor), peer)));
    }

    /// <summary>Opens one more door, which <see cref="StopAcceptingAsync"/> closes with the others.</summary>
    /// <param name="address">Port 0 is the kernel's choice.</param>
    /// <param name="accepted">Gets each connection's descriptor and peer, on a loop: it must not block.</param>
    /// <returns>What was bound.</returns>
    public IPEndPoint Listen(IPEndPoint address, Action<int, IPEndPoint> accepted)
    {
        var listener = new ListeningSocket(address);
        var acceptor = new Acceptor(listener, new LoopSocket(_lanes[0].Loop, listener.Descriptor), accepted, logger);
        _acceptors.Add(acceptor);
        _lanes[0].Loop.Post(() => _ = acceptor.RunAsync());
        Listening(listener.LocalEndPoint, settings.Loops);
        return listener.LocalEndPoint;
    }

    /// <summary>Serves what came out of a tunnel as if it had been accepted. Safe from any thread.</summary>
    /// <param name="connection">Whose it is and where to.</param>
    /// <param name="descriptor">An end of a socket pair; it is the plane's from now on.</param>
    /// <param name="resetting">Called on the loop when the connection ends by a reset.</param>
    /// <returns>The plane's end; null when the plane has closed and the descriptor with it.</returns>
    public LoopSocket? Serve(TunnelledConnection connection, int descriptor, Action resetting)
    {
        var lane = NextLane();
        var socket = new LoopSocket(lane.Loop, descriptor, isLocal: true) { Resetting = resetting };
        if (_isClosed)
        {
            socket.Dispose();
            return null;
        }

        Deal(lane, new IncomingConnection(socket, connection.Peer, connection));
        return socket;
    }

    /// <summary>Closes the door to new connections without turning away one that was on the threshold; the accepted ones go on.</summary>
    public Task StopAcceptingAsync()
    {
        var closing = new List<Task>();
        while (_acceptors.TryTake(out var acceptor))
        {
            closing.Add(acceptor.CloseAsync());
        }

        return Task.WhenAll(closing);
    }

    /// <summary>Closes every connection that is being passed through or has not said yet what it wants.</summary>
    public void Dispose()
    {
        _isClosed = true;
        foreach (var lane in _lanes)
        {
            lane.Loop.Dispose();
        }
    }

    private Lane NextLane() => _lanes[(int)(Interlocked.Increment(ref _nextLane) % (uint)_lanes.Count)];

    private void Deal(Func<Lane, IncomingConnection> connection)
    {
        var lane = NextLane();
        Deal(lane, connection(lane));
    }

    private void Deal(Lane lane, IncomingConnection connection)
    {
        if (lane.Loop.IsCurrent)
        {
            _ = ServeAsync(lane, connection);
        }
        else
        {
            lane.Loop.Post(() => _ = ServeAsync(lane, connection));
        }
    }

    private async Task ServeAsync(Lane lane, IncomingConnection connection)
    {
        try
        {
            await lane.Intake.ServeAsync(connection);
        }
#pragma warning disable CA1031 // A fault of one connection must not end the thread of all.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ConnectionFailed(exception, connection.Peer);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Listening on {Address} with {Loops} loops")]
    private partial void Listening(IPEndPoint address, int loops);

    [LoggerMessage(Level = LogLevel.Error, Message = "Serving a connection of {Peer} failed")]
    private partial void ConnectionFailed(Exception exception, IPEndPoint peer);

    private sealed record Lane(EventLoop Loop, ConnectionIntake Intake);
}
