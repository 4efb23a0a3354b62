using System.Net;
using Waypoint.Proxy.Listening.ProxyProtocol;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Listening;

/// <summary>A connection on its way in: who and where to, as far as is known yet.</summary>
/// <param name="socket">What the client's bytes come from.</param>
/// <param name="peer">The other end of the TCP connection.</param>
/// <param name="tunnelled">What the tunnel says that it came through; null when it came by itself.</param>
internal sealed class IncomingConnection(LoopSocket socket, IPEndPoint peer, TunnelledConnection? tunnelled = null)
{
    public LoopSocket Socket => socket;

    /// <summary>The other end of the TCP connection.</summary>
    public IPEndPoint Peer { get; } = peer;

    /// <summary>Where the client wanted to go; null until a carrier said so.</summary>
    public IPEndPoint? Original { get; private set; } = tunnelled?.Original;

    public IPEndPoint Client { get; private set; } = tunnelled?.Client ?? peer;

    public string? ClientPrincipal { get; private set; } = tunnelled?.Principal;

    /// <summary>The client proved who it is with a certificate, and its bytes come encrypted.</summary>
    public bool IsMutualTls => tunnelled is not null;

    /// <summary>The address of ours that it came to.</summary>
    public IPAddress? LocalAddress => tunnelled?.Local ?? socket.LocalEndPoint?.Address;

    /// <summary>The server that its TLS asks for: empty when it has no TLS, null when it is not known.</summary>
    public string? ServerName { get; set; }

    /// <summary>Whether a leading PROXY header was looked for already; only one is ours.</summary>
    public bool IsHeaderTaken { get; private set; }

    /// <summary>Whether it is known what serves it.</summary>
    public bool IsDecided { get; set; }

    /// <summary>Looks for the destination in the SYN, unless the connection has none of its own.</summary>
    public void ReadSyn()
    {
        if (tunnelled is null)
        {
            Original = SavedSyn.ReadDestination(socket.Descriptor);
        }
    }

    /// <summary>
    /// Takes over what the header says. The SYN's destination stands if there is one. The client is believed when the peer may speak for
    /// others, or when it speaks for its own address (design D3); an identity only in the first case, as an address does not prove one.
    /// </summary>
    /// <returns>False when the header names a client that is not believed.</returns>
    public bool Apply(ProxyHeader? header, WorkloadDirectory workloads)
    {
        IsHeaderTaken = true;
        if (header is null)
        {
            return true;
        }

        Original ??= header.Destination;
        if (header.Source is null)
        {
            return true;
        }

        var speaksForOthers = workloads.Find(Peer.Address)?.HasApplicationTunnel ?? false;
        if (speaksForOthers || header.Source.Address.Equals(Peer.Address))
        {
            Client = header.Source;
            ClientPrincipal = speaksForOthers ? header.Principal : ClientPrincipal;
            return true;
        }

        return false;
    }
}
