using System.Net;

namespace Waypoint.Proxy.Listening;

/// <summary>A connection that came inside another one (HBONE): who and where to is known before its first byte.</summary>
/// <param name="Original">Where the client wants to go.</param>
/// <param name="Peer">The other end of the TCP connection that carries the tunnel.</param>
/// <param name="Client">The peer, or the client that the peer names and may speak for (design D3).</param>
/// <param name="Principal">The SPIFFE id of the peer's certificate.</param>
/// <param name="Local">The address of ours that the tunnel came to.</param>
internal sealed record TunnelledConnection(IPEndPoint Original, IPEndPoint Peer, IPEndPoint Client, string Principal, IPAddress Local);
