namespace Waypoint.Xds.Grpc;

/// <summary>The status codes of gRPC; the numbers are those of the wire.</summary>
public enum GrpcStatusCode
{
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// <summary>How a call ended.</summary>
/// <param name="Code">The code.</param>
/// <param name="Detail">The reason, for people; empty when there is none.</param>
public readonly record struct GrpcStatus(GrpcStatusCode Code, string Detail)
{
    public static readonly GrpcStatus Ok = new(GrpcStatusCode.Ok, "");

    public override string ToString() => Detail.Length == 0 ? Code.ToString() : $"{Code}: {Detail}";
}

/// <summary>A call that did not end well. A server's handler throws it to end its call with that status.</summary>
public sealed class GrpcException : Exception
{
    public GrpcException(GrpcStatus status, Exception? inner = null) : base(status.ToString(), inner)
    {
        Status = status;
    }

    public GrpcException(GrpcStatusCode code, string detail, Exception? inner = null) : this(new GrpcStatus(code, detail), inner)
    {
    }

    public GrpcStatus Status { get; }

    /// <summary>What the peer sent after the status; empty when the call ended on this side.</summary>
    public GrpcMetadata Trailers { get; init; } = GrpcMetadata.Empty;
}
