using System.Net;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Sockets;
using Waypoint.Proxy.Telemetry;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;

namespace Waypoint.Proxy.Tcp;

/// <summary>Connects to an endpoint of a TCP chain; when one does not accept, to another.</summary>
internal static class UpstreamDialer
{
    /// <summary>Fills in the cluster and endpoint of <paramref name="connection"/>, and the flags that say why there is no connection.</summary>
    /// <param name="loop">Where the socket will live.</param>
    /// <param name="connection">What is being served.</param>
    /// <returns>A connected socket, or null.</returns>
    public static async ValueTask<LoopSocket?> DialAsync(EventLoop loop, TcpConnection connection)
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

            var (socket, local) = await ConnectAsync(loop, endpoint.Address, cluster);
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

    private static async ValueTask<(LoopSocket? Socket, IPEndPoint? Local)> ConnectAsync(EventLoop loop, IPEndPoint remote, Cluster cluster)
    {
        if (cluster.Tls is { } tls)
        {
            return await EncryptedDialer.ConnectAsync(loop, remote, tls, cluster.ConnectTimeout);
        }

        var (socket, _) = LoopSocket.Connect(loop, remote);
        if (socket is not null && (!await socket.WaitWritableAsync(cluster.ConnectTimeout) || socket.PendingError != 0))
        {
            socket.Dispose();
            return default;
        }

        return (socket, socket?.LocalEndPoint);
    }
}
