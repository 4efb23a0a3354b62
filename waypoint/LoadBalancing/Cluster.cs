using System.Net;

namespace Waypoint.Proxy.LoadBalancing;

/// <summary>How requests reach the endpoints of a cluster.</summary>
internal enum UpstreamProtocol
{
    Http1,
    Http2,

    /// <summary>The protocol of the client's own request.</summary>
    FollowDownstream,
}

internal enum LoadBalancingPolicy
{
    RoundRobin,
    LeastRequest,
    Random,
}

/// <summary>A set of endpoints and the way to choose among them. Immutable; runtime state lives in <see cref="EndpointState"/>.</summary>
internal sealed class Cluster
{
    public required string Name { get; init; }

    public required IReadOnlyList<Endpoint> Endpoints { get; init; }

    public LoadBalancingPolicy Policy { get; init; } = LoadBalancingPolicy.LeastRequest;

    public UpstreamProtocol Protocol { get; init; }

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Traffic goes to the original destination itself (istiod's <c>encap</c>: workload-addressed traffic).</summary>
    public bool IsOriginalDestination { get; init; }

    /// <summary>The service that it belongs to, for metrics; null when the configuration does not say.</summary>
    public ServiceIdentity? Service { get; init; }
}

/// <summary>A service as metrics name it.</summary>
internal sealed record ServiceIdentity(string Host, string Name, string Namespace);

/// <summary>One address that can serve. Immutable but for its shared <see cref="State"/>.</summary>
internal sealed class Endpoint
{
    public required IPEndPoint Address { get; init; }

    /// <summary>At least 1.</summary>
    public uint Weight { get; init; } = 1;

    public required EndpointState State { get; init; }
}
