using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Delta.Client;

/// <summary>A client's state at a moment, for dumps and health checks.</summary>
/// <param name="Connected">Whether a stream is open that has answered.</param>
/// <param name="Since">When <paramref name="Connected"/> last changed.</param>
/// <param name="Streams">How many streams have been tried.</param>
/// <param name="LastFailure">How the last stream ended; null when none has.</param>
public sealed record ClientStatus(
    bool Connected, DateTimeOffset Since, long Streams, GrpcStatus? LastFailure, IReadOnlyList<SubscriptionStatus> Types);

/// <summary>The state of one type.</summary>
/// <param name="Wildcard">Whether all resources are asked for.</param>
/// <param name="Names">How many are asked for by name.</param>
/// <param name="Resources">How many are held.</param>
/// <param name="LastRejection">What the last NACK said; null when there was none.</param>
public sealed record SubscriptionStatus(
    string TypeUrl, bool Wildcard, int Names, int Resources, long Accepted, long Rejected, DateTimeOffset? LastAccepted, DateTimeOffset? LastRejected,
    string? LastRejection);
