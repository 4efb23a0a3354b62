using Microsoft.Extensions.Primitives;

namespace Waypoint.Proxy.Forwarding;

/// <summary>The codes of gRPC that a proxy gives (the numbers are the protocol's).</summary>
internal enum GrpcStatus
{
    Unknown = 2,
    DeadlineExceeded = 4,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

internal static class Grpc
{
    public const string ContentType = "application/grpc";

    /// <summary>True for <c>application/grpc</c> and its <c>+proto</c> kind, not for gRPC-Web, whose answers are ordinary HTTP.</summary>
    public static bool IsGrpc(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';');

    /// <summary>Envoy's mapping of an HTTP status that a gRPC client must be told.</summary>
    public static GrpcStatus FromHttpStatus(int status) => status switch
    {
        400 => GrpcStatus.Internal,
        401 => GrpcStatus.Unauthenticated,
        403 => GrpcStatus.PermissionDenied,
        404 => GrpcStatus.Unimplemented,
        429 or 502 or 503 or 504 => GrpcStatus.Unavailable,
        _ => GrpcStatus.Unknown,
    };

    /// <summary>The value of <c>grpc-timeout</c>: at most eight digits and a unit; null when it is missing or malformed.</summary>
    public static TimeSpan? ParseTimeout(StringValues header)
    {
        if (header.Count != 1 || header[0] is not { Length: >= 2 and <= 9 } text
            || !uint.TryParse(text.AsSpan(0, text.Length - 1), System.Globalization.NumberStyles.None, null, out var amount))
        {
            return null;
        }

        return text[^1] switch
        {
            'H' => TimeSpan.FromHours(amount),
            'M' => TimeSpan.FromMinutes(amount),
            'S' => TimeSpan.FromSeconds(amount),
            'm' => TimeSpan.FromMilliseconds(amount),
            'u' => TimeSpan.FromMicroseconds(amount),
            'n' => TimeSpan.FromTicks(amount / 100),
            _ => null,
        };
    }
}
