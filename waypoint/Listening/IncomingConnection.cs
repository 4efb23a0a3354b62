using System.Net;
using Waypoint.Proxy.Listening.ProxyProtocol;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Listening;

/// <summary>A connection on its way in: who and where to, as far as is known yet.</summary>
internal sealed class IncomingConnection(LoopSocket socket, IPEndPoint peer)
{
    public LoopSocket Socket => socket;

    /// <summary>The other end of the TCP connection.</summary>
    public IPEndPoint Peer { get; } = peer;

    /// <summary>Where the client wanted to go; null until a carrier said so.</summary>
    public IPEndPoint? Original { get; private set; }

    public IPEndPoint Client { get; private set; } = peer;

    public string? ClientPrincipal { get; private set; }

    /// <summary>Whether a leading PROXY header was looked for already; only one is ours.</summary>
    public bool IsHeaderTaken { get; private set; }

    /// <summary>Whether it is known what serves it.</summary>
    public bool IsDecided { get; set; }

    public void ReadSyn() => Original = SavedSyn.ReadDestination(socket.Descriptor);

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
            ClientPrincipal = speaksForOthers ? header.Principal : null;
            return true;
        }

        return false;
    }
}
