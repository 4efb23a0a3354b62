using System.Net;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Hbone;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Sockets;
using Waypoint.Proxy.Telemetry;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;

namespace Waypoint.Proxy.Tcp;

/// <summary>Connects to an endpoint of a TCP chain; when one does not accept, to another.</summary>
/// <param name="loop">Where the sockets will live.</param>
/// <param name="tunnels">Reaches endpoints that are marked for HBONE; without it they are dialled plainly.</param>
internal sealed class UpstreamDialer(EventLoop loop, UpstreamTunnels? tunnels)
{
    /// <summary>Fills in the cluster and endpoint of <paramref name="connection"/>, and the flags that say why there is no connection.</summary>
    /// <param name="connection">What is being served.</param>
    /// <returns>A connected socket, or null.</returns>
    public async ValueTask<LoopSocket?> DialAsync(TcpConnection connection)
    {
        connection.Flags = ResponseFlags.NoClusterFound;
        var slot = connection.Chain.Clusters.Pick(Random.Shared)?.Cluster;
        if (slot?.Current is not { } cluster)
        {
            return null;
        }

        connection.Cluster = cluster;
        connection.Flags = ResponseFlags.UpstreamOverflow;
        if (!slot.Load.Connections.TryEnter(cluster.CircuitBreakers))
        {
            return null;
        }

        connection.CountedBy = slot.Load.Connections;
        connection.Flags = ResponseFlags.NoHealthyUpstream;

        // Nothing was sent yet, so trying again harms nobody.
        var tried = new Endpoint[connection.Chain.ConnectAttempts];
        for (var attempt = 0; attempt < tried.Length; attempt++)
        {
            if (Pick(cluster, connection, tried.AsSpan(0, attempt)) is not { } endpoint)
            {
                return null;
            }

            var (socket, local) = await ConnectAsync(endpoint, connection.Client, cluster);
            if (socket is not null)
            {
                cluster.ReportSuccess(endpoint);
                connection.Endpoint = endpoint;
                connection.UpstreamLocal = local;
                connection.Flags = ResponseFlags.None;
                return socket;
            }

            cluster.ReportFailure(endpoint, FailureKind.Connect);
            connection.Flags = ResponseFlags.UpstreamConnectionFailure;
            tried[attempt] = endpoint;
            if (cluster.IsOriginalDestination)
            {
                return null;
            }
        }

        return null;
    }

    private static Endpoint? Pick(Cluster cluster, TcpConnection connection, ReadOnlySpan<Endpoint> tried) => cluster.Pick(new PickContext
    {
        Hash = connection.Chain.HashesClient && cluster.Balancing.Hashes ? RequestHash.OfAddress(connection.Client.Address) : null,
        Previous = tried,
        Attempts = connection.Chain.ConnectAttempts,
        OriginalDestination = connection.Original,
    });

    private async ValueTask<(LoopSocket? Socket, IPEndPoint? Local)> ConnectAsync(Endpoint endpoint, IPEndPoint client, Cluster cluster)
    {
        if (endpoint.WantsTunnel && tunnels is not null)
        {
            var (tunnel, isPlain) = await OpenTunnelAsync(tunnels, endpoint.Address, client, cluster.ConnectTimeout);
            if (!isPlain)
            {
                return tunnel is null ? default : (await JoinAsync(tunnel, cluster), null);
            }
        }

        if (cluster.Tls is { } tls)
        {
            return await EncryptedDialer.ConnectAsync(loop, endpoint.Address, tls, cluster.ConnectTimeout);
        }

        var (socket, _) = LoopSocket.Connect(loop, endpoint.Address);
        if (socket is not null && (!await socket.WaitWritableAsync(cluster.ConnectTimeout) || socket.PendingError != 0))
        {
            socket.Dispose();
            return default;
        }

        return (socket, socket?.LocalEndPoint);
    }

    /// <summary>Tunnels live on the thread pool; what comes of it is brought back to the loop.</summary>
    private async ValueTask<(OutboundStream? Stream, bool IsPlain)> OpenTunnelAsync(
        UpstreamTunnels reaching, IPEndPoint endpoint, IPEndPoint client, TimeSpan timeout)
    {
        using var patience = new CancellationTokenSource(timeout > TimeSpan.Zero ? timeout : Timeout.InfiniteTimeSpan);
        try
        {
            var stream = await reaching.OpenAsync(endpoint, client, patience.Token).ConfigureAwait(false);
            await loop.SwitchAsync();
            return (stream, stream is null);
        }
        catch (Exception e) when (e is TunnelException or OperationCanceledException)
        {
            await loop.SwitchAsync();
            return (null, false);
        }
    }

    private async ValueTask<LoopSocket?> JoinAsync(OutboundStream tunnel, Cluster cluster)
    {
        if (cluster.Tls is { } tls)
        {
            return await EncryptedDialer.EncryptAsync(loop, tunnel, tls, cluster.ConnectTimeout);
        }

        var bridge = new StreamBridge(tunnel, SocketPair.Create(out var far));
        bridge.Far = new LoopSocket(loop, far, isLocal: true) { Resetting = bridge.Resetting };
        _ = Task.Run(bridge.RunAsync);
        return bridge.Far;
    }
}
