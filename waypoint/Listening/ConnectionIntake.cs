using System.Net;
using Waypoint.Proxy.Listening.Handoff;
using Waypoint.Proxy.Listening.ProxyProtocol;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Sockets;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Listening;

/// <summary>
/// Finds out where each connection of one loop wants to go and what it speaks, then gives it to the HTTP server or passes its bytes.
/// </summary>
internal sealed class ConnectionIntake(
    ListeningSettings settings,
    MeshState mesh,
    HttpHandoff http,
    TcpProxy tcp,
    ServerFirstMemory serverFirst,
    Rejections rejections,
    ListeningMetrics metrics)
{
    private readonly FirstBytes _firstBytes = new(settings);

    /// <param name="connection">Just accepted, or just come out of a tunnel.</param>
    public async Task ServeAsync(IncomingConnection connection)
    {
        metrics.CountAccepted();
        var isHandedOver = false;
        try
        {
            isHandedOver = await ServeAcceptedAsync(connection);
        }
        finally
        {
            Decided(connection);
            if (!isHandedOver)
            {
                connection.Socket.Dispose();
                metrics.CountClosed();
            }
        }
    }

    /// <returns>True when the HTTP server has the connection now.</returns>
    private async ValueTask<bool> ServeAcceptedAsync(IncomingConnection connection)
    {
        connection.ReadSyn();
        if (connection.Original is null && !await FindDestinationAsync(connection))
        {
            return false;
        }

        var original = connection.Original!;
        if (original.Address.Equals(connection.LocalAddress))
        {
            return Reject(connection, RejectionReason.OwnAddress);
        }

        return mesh.Current.FindDestination(original) switch
        {
            { Http: not null, Tcp: null } => await ServeHttpAsync(connection),
            { Http: null, Tcp: { } chain } => await ServeTcpAsync(connection, chain),
            { Http: not null, Tcp: { } chain } => await ServeUndeclaredAsync(connection, chain),
            _ => Reject(connection, RejectionReason.UnknownDestination),
        };
    }

    /// <summary>Without a destination in the SYN, a PROXY header must come first.</summary>
    private async ValueTask<bool> FindDestinationAsync(IncomingConnection connection)
    {
        if (!await HasBytesAsync(connection.Socket, settings.HeaderTimeout))
        {
            return Reject(connection, RejectionReason.NoDestination);
        }

        return await TakeHeaderAsync(connection)
            && (connection.Original is not null || Reject(connection, RejectionReason.NoDestination));
    }

    private async ValueTask<bool> ServeHttpAsync(IncomingConnection connection)
    {
        while (await HasBytesAsync(connection.Socket, settings.SilentHttpTimeout))
        {
            if (!connection.IsHeaderTaken)
            {
                if (!await TakeHeaderAsync(connection))
                {
                    return false;
                }

                continue;
            }

            if (connection.Socket.HasPeerClosed && IsEmpty(connection.Socket))
            {
                return false;
            }

            return HandOver(connection, await _firstBytes.SniffAsync(connection.Socket, isDeclaredHttp: true))
                || Reject(connection, RejectionReason.NotHttp);
        }

        return false;
    }

    private async ValueTask<bool> ServeTcpAsync(IncomingConnection connection, TcpChain chain)
    {
        if (!await LearnClientAsync(connection, chain))
        {
            return false;
        }

        var tcpConnection = Describe(connection, chain);
        if (await tcp.DialAsync(tcpConnection) is not { } upstream)
        {
            return Reject(connection, Reason(tcpConnection));
        }

        await PassAsync(connection, tcpConnection, upstream);
        return false;
    }

    /// <summary>
    /// Before filters judge a connection: a peer that speaks for others has said for whom, and a client whose TLS asks for a server has said for
    /// which, where that matters.
    /// </summary>
    private async ValueTask<bool> LearnClientAsync(IncomingConnection connection, TcpChain chain)
    {
        var needsHeader = !chain.Filters.IsEmpty && mesh.Workloads.Find(connection.Peer.Address) is { HasApplicationTunnel: true };
        if (!connection.IsHeaderTaken && (needsHeader || chain.NeedsServerName))
        {
            if (!await HasBytesAsync(connection.Socket, settings.HeaderTimeout))
            {
                return !needsHeader || Reject(connection, RejectionReason.ProxyHeaderTruncated);
            }

            if (!await TakeHeaderAsync(connection))
            {
                return false;
            }
        }

        if (chain.NeedsServerName && await HasBytesAsync(connection.Socket, settings.HeaderTimeout))
        {
            connection.ServerName = await _firstBytes.ReadServerNameAsync(connection.Socket);
        }

        return true;
    }

    /// <summary>
    /// Nobody declared what the port speaks, so whoever speaks first decides. While the client is silent its backend is connected to, in
    /// case the server greets first; that connection is dropped unused when the client turns out to speak HTTP.
    /// </summary>
    private async ValueTask<bool> ServeUndeclaredAsync(IncomingConnection connection, TcpChain chain)
    {
        if (!await LearnClientAsync(connection, chain))
        {
            return false;
        }

        var client = connection.Socket;
        var tcpConnection = Describe(connection, chain);
        LoopSocket? upstream = null;
        while (true)
        {
            var patience = serverFirst.Holds(tcpConnection.Original) ? TimeSpan.Zero : settings.SilenceBeforeDial;
            if (upstream is null && !await HasBytesAsync(client, patience))
            {
                upstream = await tcp.DialAsync(tcpConnection);
                if (upstream is null)
                {
                    return Reject(connection, Reason(tcpConnection));
                }
            }

            if (upstream is not null && await SpeaksFirstAsync(upstream, client))
            {
                serverFirst.Remember(tcpConnection.Original);
                break;
            }

            if (!connection.IsHeaderTaken)
            {
                if (!await TakeHeaderAsync(connection))
                {
                    upstream?.Dispose();
                    return false;
                }

                tcpConnection = upstream is null ? Describe(connection, chain) : tcpConnection;
                continue;
            }

            var protocol = await _firstBytes.SniffAsync(client, isDeclaredHttp: false);
            if (protocol is SniffedProtocol.Http1 or SniffedProtocol.Http2)
            {
                upstream?.Dispose();
                serverFirst.Forget(tcpConnection.Original);
                return HandOver(connection, protocol);
            }

            upstream ??= await tcp.DialAsync(tcpConnection);
            if (upstream is null)
            {
                return Reject(connection, Reason(tcpConnection));
            }

            break;
        }

        await PassAsync(connection, tcpConnection, upstream);
        return false;
    }

    private async Task PassAsync(IncomingConnection connection, TcpConnection tcpConnection, LoopSocket upstream)
    {
        Decided(connection);
        metrics.CountTcp();
        Func<LoopSocket, ValueTask<bool>>? preamble = connection.IsHeaderTaken ? null : _ => TakeHeaderAsync(connection);
        await tcp.RelayAsync(tcpConnection, connection.Socket, upstream, preamble);
    }

    /// <summary>Waits until one of the two has something to say: bytes, an end or an error.</summary>
    private static async ValueTask<bool> SpeaksFirstAsync(LoopSocket upstream, LoopSocket client)
    {
        while (IsSilent(client))
        {
            if (!IsSilent(upstream))
            {
                return true;
            }

            await client.WaitReadableAsync(upstream);
        }

        return false;
    }

    /// <summary>False when the client is still silent after <paramref name="patience"/>; with none it is only looked at.</summary>
    private static async ValueTask<bool> HasBytesAsync(LoopSocket client, TimeSpan patience)
    {
        while (IsSilent(client))
        {
            if (patience == TimeSpan.Zero || !await client.WaitReadableAsync(patience))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsSilent(LoopSocket socket)
    {
        Span<byte> one = stackalloc byte[1];
        return LoopSocket.WouldBlock(socket.Peek(one));
    }

    private static bool IsEmpty(LoopSocket socket)
    {
        Span<byte> one = stackalloc byte[1];
        return socket.Peek(one) <= 0;
    }

    /// <summary>Removes a PROXY header if one leads; false when it was a bad one and the connection is closed.</summary>
    private async ValueTask<bool> TakeHeaderAsync(IncomingConnection connection)
    {
        var result = await _firstBytes.TakeProxyHeaderAsync(connection.Socket);
        if (result.Status == ProxyHeaderStatus.Malformed)
        {
            return Reject(connection, result.Reason!.Value);
        }

        if (!connection.Apply(result.Header, mesh.Workloads))
        {
            metrics.CountDisbelieved();
        }

        return true;
    }

    private bool HandOver(IncomingConnection connection, SniffedProtocol protocol)
    {
        if (protocol is not (SniffedProtocol.Http1 or SniffedProtocol.Http2))
        {
            return false;
        }

        var destination = new ConnectionDestination(mesh, connection.Original!, connection.Client, connection.ClientPrincipal, connection.IsMutualTls);
        http.Offer(connection.Socket.Detach(), protocol, destination);
        return true;
    }

    private bool Reject(IncomingConnection connection, RejectionReason reason)
    {
        rejections.Report(reason, connection.Peer, connection.Original);
        connection.Socket.Reset();
        return false;
    }

    private void Decided(IncomingConnection connection)
    {
        if (!connection.IsDecided)
        {
            connection.IsDecided = true;
            metrics.CountDecided();
        }
    }

    private static TcpConnection Describe(IncomingConnection connection, TcpChain chain) =>
        new(connection.Original!, connection.Client, connection.ClientPrincipal, chain)
        {
            IsMutualTls = connection.IsMutualTls,
            ServerName = connection.ServerName,
        };

    private static RejectionReason Reason(TcpConnection connection) => connection switch
    {
        { IsDenied: true } => RejectionReason.AccessDenied,
        { Flags: ResponseFlags.UpstreamConnectionFailure } => RejectionReason.ConnectFailure,
        _ => RejectionReason.NoEndpoint,
    };
}
