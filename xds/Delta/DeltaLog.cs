using Microsoft.Extensions.Logging;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Delta;

internal static partial class DeltaLog
{
    [LoggerMessage(10, LogLevel.Information, "Connected to the control plane {Address}")]
    public static partial void Connected(ILogger logger, Uri address);

    [LoggerMessage(11, LogLevel.Warning, "The stream from {Address} has ended: {Code} {Detail}")]
    public static partial void StreamEnded(ILogger logger, Uri address, GrpcStatusCode code, string detail);

    [LoggerMessage(12, LogLevel.Warning, "Rejected an update of {Type}: {Reason}")]
    public static partial void Rejected(ILogger logger, string type, string reason);

    [LoggerMessage(13, LogLevel.Debug, "Ignored an answer of a type that nobody asked for: {Type}")]
    public static partial void UnknownType(ILogger logger, string type);

    [LoggerMessage(20, LogLevel.Information, "{Node} has connected from {Peer}")]
    public static partial void ClientConnected(ILogger logger, string node, string peer);

    [LoggerMessage(21, LogLevel.Information, "{Node} has gone")]
    public static partial void ClientGone(ILogger logger, string node);

    [LoggerMessage(22, LogLevel.Warning, "{Node} has rejected an update of {Type}: {Reason}")]
    public static partial void RejectedByClient(ILogger logger, string node, string type, string reason);
}
