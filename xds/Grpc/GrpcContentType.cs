namespace Waypoint.Xds.Grpc;

internal static class GrpcContentType
{
    public const string Value = "application/grpc";

    /// <summary>application/grpc, or with +proto or parameters behind it; not application/grpc-web, which is another protocol.</summary>
    public static bool Is(string? contentType)
        => contentType is not null && contentType.StartsWith(Value, StringComparison.OrdinalIgnoreCase)
            && (contentType.Length == Value.Length || contentType[Value.Length] is ';' or '+');
}
