using System.Collections.Immutable;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry.AccessLogging;
using Waypoint.Proxy.Telemetry.Stats;
using Waypoint.Proxy.Telemetry.Tracing;

namespace Waypoint.Proxy.Mesh;

/// <summary>
/// The HTTP behaviour of one service port: an immutable route table and what surrounds it.
/// </summary>
internal sealed class HttpChain
{
    /// <summary>istiod's name for it, such as <c>inbound-vip|80|http|echo.shop.svc.cluster.local</c>.</summary>
    public required string Name { get; init; }

    public required RouteTable Routes { get; init; }

    /// <summary>Who is behind an address, for what is told of its requests.</summary>
    public WorkloadDirectory Workloads { get; init; } = new();

    /// <summary>What a request passes through once its route is known, in this order.</summary>
    public ImmutableArray<IHttpFilter> Filters { get; init; } = [];

    /// <summary>Value of the <c>server</c> response header, overwritten on every answer; null leaves the backend's.</summary>
    public string? ServerName { get; init; }

    /// <summary>The longest silence on one stream; zero means no limit (istiod's default for waypoints).</summary>
    public TimeSpan StreamIdleTimeout { get; init; }

    /// <summary>The form of the path against which routes and filters match.</summary>
    public PathForm PathForm { get; init; }

    /// <summary>Paths with <c>%2F</c> or <c>%5C</c> are refused (HCM <c>path_with_escaped_slashes_action: REJECT_REQUEST</c>).</summary>
    public bool RejectsEscapedSlashes { get; init; }

    /// <summary>Backends get the client's <c>x-forwarded-client-cert</c> as it came (HCM <c>forward_client_cert_details: ALWAYS_FORWARD_ONLY</c>); otherwise none.</summary>
    public bool ForwardsClientCertificate { get; init; }

    /// <summary>How many addresses at the end of <c>X-Forwarded-For</c> are those of proxies before this one (HCM <c>xff_num_trusted_hops</c>); negative: nobody's word is taken for the client's address.</summary>
    public int TrustedHops { get; init; }

    /// <summary>The logs in which its requests get lines.</summary>
    public ImmutableArray<AccessLogger> AccessLogs { get; init; } = [];

    /// <summary>How its requests are traced; null when they are not.</summary>
    public TracingSettings? Tracing { get; init; }

    /// <summary>What is changed about the standard metrics.</summary>
    public StatsSettings Stats { get; init; } = StatsSettings.Default;

    /// <summary>HTTP upgrades that pass through, such as <c>websocket</c>; names without case.</summary>
    public IReadOnlySet<string> Upgrades { get; init; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>What the configuration asks of this chain and this version does not do, such as the name of a filter.</summary>
    public IReadOnlyList<string> Unsupported { get; init; } = [];
}
