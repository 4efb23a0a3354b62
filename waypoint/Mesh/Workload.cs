using System.Net;

namespace Waypoint.Proxy.Mesh;

/// <summary>One workload (a pod, usually) as the control plane describes it.</summary>
internal sealed class Workload
{
    /// <summary>Unique in the mesh, such as <c>Kubernetes//Pod/shop/echo-1</c>.</summary>
    public required string Uid { get; init; }

    public required IReadOnlyList<IPAddress> Addresses { get; init; }

    public string Name { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string ServiceAccount { get; init; } = "";

    public string TrustDomain { get; init; } = "cluster.local";

    /// <summary>The name of what made it: its Deployment, say.</summary>
    public string WorkloadName { get; init; } = "";

    public string CanonicalName { get; init; } = "";

    public string CanonicalRevision { get; init; } = "";

    public string ClusterId { get; init; } = "";

    public string Node { get; init; } = "";

    public string Region { get; init; } = "";

    public string Zone { get; init; } = "";

    public string SubZone { get; init; } = "";

    /// <summary>
    /// It hands on other clients' connections behind a PROXY header, so the client that this header names is believed
    /// (design D3: WDS marks it with <c>application_tunnel</c>).
    /// </summary>
    public bool HasApplicationTunnel { get; init; }

    /// <summary>It runs on its node's network, so its address is the node's.</summary>
    public bool SharesNodeAddress { get; init; }

    /// <summary>Its SPIFFE identity.</summary>
    public string Principal => field ??= $"spiffe://{TrustDomain}/ns/{Namespace}/sa/{ServiceAccount}";
}
