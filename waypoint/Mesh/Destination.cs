namespace Waypoint.Proxy.Mesh;

/// <summary>
/// What a connection to one original destination (service address and port, or workload address) meets.
/// Both chains are present when the port declares no protocol: the first bytes then decide (design D9).
/// </summary>
/// <param name="Http">The chain for HTTP/1.1 and HTTP/2 with prior knowledge; null when the port is declared TCP.</param>
/// <param name="Tcp">The chain for opaque bytes; null when the port is declared HTTP.</param>
internal sealed record Destination(HttpChain? Http, TcpChain? Tcp);
