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
    // Nothing was sent yet, so trying again harms nobody; three tries bound what a client waits.
    private const int Tries = 3;

    /// <summary>Fills in the cluster and endpoint of <paramref name="connection"/>, and the flags that say why there is no connection.</summary>
    /// <param name="loop">Where the socket will live.</param>
    /// <param name="connection">What is being served.</param>
    /// <returns>A connected socket, or null.</returns>
    public static async ValueTask<LoopSocket?> DialAsync(EventLoop loop, TcpConnection connection)
    {
        connection.Flags = ResponseFlags.NoClusterFound;
        if (connection.Chain.Clusters.Pick(Random.Shared)?.Cluster.Current is not { } cluster)
        {
            return null;
        }

        connection.Cluster = cluster;
        connection.Flags = ResponseFlags.NoHealthyUpstream;
        var tried = new Endpoint[Tries];
        for (var attempt = 0; attempt < Tries; attempt++)
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
        Attempts = Tries,
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
