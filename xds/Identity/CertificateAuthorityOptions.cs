using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Identity;

/// <summary>Where certificates come from, and how long they are to last.</summary>
public sealed record CertificateAuthorityOptions
{
    /// <summary>https://HOST:PORT; the host is the name that the authority's own certificate must carry.</summary>
    public required Uri Address { get; init; }

    /// <summary>TLS roots and the bearer token, which are asked at each call.</summary>
    public required GrpcChannelOptions Channel { get; init; }

    /// <summary>What the request names; istiod issues for whom the token belongs to, whatever this says.</summary>
    public required SpiffeId Id { get; init; }

    /// <summary>The cluster whose API server knows the token (istiod's <c>clusterid</c>).</summary>
    public string ClusterId { get; init; } = "Kubernetes";

    /// <summary>The life that is asked for (Istio's SECRET_TTL); the authority may give less.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(24);

    /// <summary>The share of its life after which a certificate is replaced; a random hundredth is added or taken, so that a thousand pods that were
    /// started together do not come back together.</summary>
    public double RotateAfter { get; init; } = 0.5;

    /// <summary>The first wait after a failure; it doubles up to <see cref="LongestDelay"/>, each with a random half taken off.</summary>
    public TimeSpan ShortestDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A call that takes longer has failed.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
