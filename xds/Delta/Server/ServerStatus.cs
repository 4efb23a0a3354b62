using System.Net;

namespace Waypoint.Xds.Delta.Server;

/// <summary>A client's stream at a moment, for dumps.</summary>
/// <param name="Node">The node's id.</param>
public sealed record ConnectedClient(string Node, IPEndPoint Peer, DateTimeOffset Since, IReadOnlyList<ConnectedType> Types);

/// <summary>What a client has asked for and been told of one type.</summary>
/// <param name="Awaited">Whether a response is under way that the client has not answered.</param>
/// <param name="LastRejection">What its last NACK said; null when there was none on this stream.</param>
public sealed record ConnectedType(
    string TypeUrl, bool Wildcard, int Names, bool Awaited, long Accepted, long Rejected, DateTimeOffset? LastAnswer, string? LastRejection);
