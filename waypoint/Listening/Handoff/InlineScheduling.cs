namespace Waypoint.Proxy.Listening.Handoff;

/// <summary>
/// Whether Kestrel runs a request on the very thread that found its bytes. It does when .NET's sockets complete inline as well; one
/// without the other is slower than neither (both: 44 → 36 µs a request, the environment variable alone: −12 % throughput).
/// </summary>
internal static class InlineScheduling
{
    public static bool IsEnabled { get; } = Environment.GetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS") == "1";
}
