using Microsoft.Extensions.Logging;

namespace Waypoint.Xds.Grpc;

internal static partial class GrpcLog
{
    [LoggerMessage(1, LogLevel.Error, "The handler of {Path} failed")]
    public static partial void HandlerFailed(ILogger logger, string path, Exception exception);
}
