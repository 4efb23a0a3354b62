using System.Net;
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
    ILogger<ListeningPlane> logger) : IDisposable
{
    private readonly List<Lane> _lanes = [];
    private Acceptor? _acceptor;
    private int _nextLane;

    /// <summary>Where it listens; the real port once started.</summary>
    public IPEndPoint LocalEndPoint { get; private set; } = settings.Address;

    /// <summary>Binds and begins to accept.</summary>
    public void Start()
    {
        var listener = new ListeningSocket(settings.Address);
        LocalEndPoint = listener.LocalEndPoint;
        var serverFirst = new ServerFirstMemory();
        for (var i = 0; i < settings.Loops; i++)
        {
            var loop = new EventLoop($"sockets-{i}");
            var tcp = new TcpProxy(loop, tcpSettings, tcpObserver);
            _lanes.Add(new Lane(loop, new ConnectionIntake(settings, mesh, http, tcp, serverFirst, rejections, metrics)));
        }

        var acceptor = _acceptor = new Acceptor(listener, new LoopSocket(_lanes[0].Loop, listener.Descriptor), Deal, logger);
        _lanes[0].Loop.Post(() => _ = acceptor.RunAsync());
        Listening(LocalEndPoint, settings.Loops);
    }

    /// <summary>Closes the door to new connections without turning away one that was on the threshold; the accepted ones go on.</summary>
    public Task StopAcceptingAsync() => Interlocked.Exchange(ref _acceptor, null)?.CloseAsync() ?? Task.CompletedTask;

    /// <summary>Closes every connection that is being passed through or has not said yet what it wants.</summary>
    public void Dispose()
    {
        foreach (var lane in _lanes)
        {
            lane.Loop.Dispose();
        }
    }

    private void Deal(int descriptor, IPEndPoint peer)
    {
        var lane = _lanes[_nextLane];
        _nextLane = (_nextLane + 1) % _lanes.Count;
        if (lane.Loop.IsCurrent)
        {
            _ = ServeAsync(lane, descriptor, peer);
        }
        else
        {
            lane.Loop.Post(() => _ = ServeAsync(lane, descriptor, peer));
        }
    }

    private async Task ServeAsync(Lane lane, int descriptor, IPEndPoint peer)
    {
        try
        {
            await lane.Intake.ServeAsync(new LoopSocket(lane.Loop, descriptor), peer);
        }
#pragma warning disable CA1031 // A fault of one connection must not end the thread of all.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ConnectionFailed(exception, peer);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Listening on {Address} with {Loops} loops")]
    private partial void Listening(IPEndPoint address, int loops);

    [LoggerMessage(Level = LogLevel.Error, Message = "Serving a connection of {Peer} failed")]
    private partial void ConnectionFailed(Exception exception, IPEndPoint peer);

    private sealed record Lane(EventLoop Loop, ConnectionIntake Intake);
}
