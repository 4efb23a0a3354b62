using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.Sockets;
using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Tcp;

/// <summary>Serves pass-through connections on one loop.</summary>
internal sealed class TcpProxy(EventLoop loop, TcpSettings settings, ITcpObserver observer, UpstreamTunnels? tunnels = null)
{
    private readonly ConveyorPool _conveyors = new();
    private readonly UpstreamDialer _dialer = new(loop, tunnels);

    /// <summary>
    /// Runs the chain's filters, then connects to an endpoint; null when a filter or every endpoint would not have it, and then the
    /// connection is over for telemetry too.
    /// </summary>
    public async ValueTask<LoopSocket?> DialAsync(TcpConnection connection)
    {
        connection.IsDenied = !await connection.Chain.AdmitAsync(connection);
        if (!loop.IsCurrent)
        {
            // A filter waited for something that is not of the loop's; the sockets are.
            await loop.SwitchAsync();
        }

        var upstream = connection.IsDenied ? null : await _dialer.DialAsync(connection);
        if (upstream is null)
        {
            connection.CountedBy?.Leave();
            observer.Closed(connection);
        }

        return upstream;
    }

    /// <summary>Passes bytes until both sides are done.</summary>
    /// <param name="connection">What <see cref="DialAsync"/> filled in.</param>
    /// <param name="client">Closed at the end.</param>
    /// <param name="upstream">Closed at the end.</param>
    /// <param name="preamble">Runs before the first byte of the client is passed on; false when the connection is not to go on.</param>
    public async Task RelayAsync(TcpConnection connection, LoopSocket client, LoopSocket upstream, Func<LoopSocket, ValueTask<bool>>? preamble)
    {
        var chain = connection.Chain;
        var relay = new Relay(client, upstream, _conveyors, chain.IdleTimeout ?? settings.IdleTimeout);
        using var age = chain.MaxDuration > TimeSpan.Zero ? new Timer(_ => loop.Post(relay.Expire), null, chain.MaxDuration, Timeout.InfiniteTimeSpan) : null;
        connection.Relay = relay;
        var state = connection.Endpoint?.State;
        state?.RequestStarted();
        observer.Opened(connection);
        connection.Flags = await relay.RunAsync(preamble) switch
        {
            RelayEnd.ClientReset => ResponseFlags.DownstreamConnectionTermination,
            RelayEnd.UpstreamReset => ResponseFlags.UpstreamConnectionTermination,
            RelayEnd.Idle => ResponseFlags.StreamIdleTimeout,
            RelayEnd.Expired => ResponseFlags.DurationTimeout,
            _ => ResponseFlags.None,
        };
        state?.RequestEnded();
        connection.CountedBy?.Leave();
        observer.Closed(connection);
    }
}

/// <param name="IdleTimeout">A connection on which nothing moves for so long is closed; Envoy's default is an hour.</param>
internal sealed record TcpSettings(TimeSpan IdleTimeout)
{
    public static TcpSettings Default { get; } = new(TimeSpan.FromHours(1));
}
