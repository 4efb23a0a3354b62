using System.Collections.Frozen;

namespace Waypoint.Proxy.Forwarding;

/// <summary>The <c>x-envoy-*</c> and <c>x-request-id</c> headers that peers of Envoy expect.</summary>
internal static class EnvoyHeaders
{
    public const string RequestId = "x-request-id";
    public const string ForwardedProto = "x-forwarded-proto";
    public const string ForwardedHost = "x-forwarded-host";
    public const string OriginalPath = "x-envoy-original-path";
    public const string OriginalHost = "x-envoy-original-host";
    public const string ExpectedTimeout = "x-envoy-expected-rq-timeout-ms";
    public const string UpstreamServiceTime = "x-envoy-upstream-service-time";
    public const string Overloaded = "x-envoy-overloaded";
    public const string RateLimited = "x-envoy-ratelimited";

    /// <summary>
    /// Headers that command a proxy. Envoy obeys them only on requests it knows to be internal and removes them from all others;
    /// no client of a waypoint is trusted so far (an X-Forwarded-For is not a proof), so they are removed always.
    /// </summary>
    private static readonly FrozenSet<string> Commands = new[]
    {
        "x-envoy-expected-rq-timeout-ms",
        "x-envoy-force-trace",
        "x-envoy-hedge-on-per-try-timeout",
        "x-envoy-internal",
        "x-envoy-ip-tags",
        "x-envoy-max-retries",
        "x-envoy-original-url",
        "x-envoy-retriable-header-names",
        "x-envoy-retriable-status-codes",
        "x-envoy-retry-grpc-on",
        "x-envoy-retry-on",
        "x-envoy-upstream-alt-stat-name",
        "x-envoy-upstream-rq-per-try-timeout-ms",
        "x-envoy-upstream-rq-timeout-alt-response",
        "x-envoy-upstream-rq-timeout-ms",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static bool IsCommand(string name) =>
        name.StartsWith("x-envoy-", StringComparison.OrdinalIgnoreCase) && Commands.Contains(name);

    /// <summary>A version 4 UUID. It identifies and protects nothing, so it costs no system call for randomness.</summary>
    public static string NewRequestId()
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.Shared.NextBytes(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
