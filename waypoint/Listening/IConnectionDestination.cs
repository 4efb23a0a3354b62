using System.Net;
using Waypoint.Proxy.Mesh;

namespace Waypoint.Proxy.Listening;

/// <summary>
/// Where the client wanted to go: a connection feature that the listening plane sets on every HTTP connection
/// before Kestrel sees its first byte.
/// </summary>
internal interface IConnectionDestination
{
    /// <summary>The address and port that the client dialled (design D2).</summary>
    IPEndPoint Original { get; }

    /// <summary>The real TCP peer, or the client named by a carrier that may be believed (design D3).</summary>
    IPEndPoint Client { get; }

    /// <summary>The client's SPIFFE identity, when a carrier that may be believed names it (a certificate, PROXY TLV 0xD0).</summary>
    string? ClientPrincipal => null;

    /// <summary>The client came over mutual TLS (HBONE): <see cref="ClientPrincipal"/> is its certificate's.</summary>
    bool IsMutualTls => false;

    /// <summary>The HTTP chain of the snapshot in force now; null when the configuration no longer has one for this destination.</summary>
    HttpChain? CurrentChain();
}
