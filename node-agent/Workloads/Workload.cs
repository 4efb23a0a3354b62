using System.Collections.Immutable;

namespace Waypoint.NodeAgent.Workloads;

/// <summary>A workload (a pod, a virtual machine, an external endpoint) as the control plane describes it. Immutable.</summary>
internal sealed record Workload
{
    /// <summary>Where a PROXY v2 header is expected when the control plane names no port.</summary>
    public const ushort DefaultProxyProtocolPort = 15088;

    public required string Uid { get; init; }
    public required string Name { get; init; }
    public required string Namespace { get; init; }
    public ImmutableArray<InternetAddress> Addresses { get; init; } = [];
    public string Network { get; init; } = "";
    public string TrustDomain { get; init; } = "cluster.local";
    public string ServiceAccount { get; init; } = "";
    public string Node { get; init; } = "";
    public string ClusterId { get; init; } = "";
    public string CanonicalName { get; init; } = "";
    public string CanonicalRevision { get; init; } = "";
    public string WorkloadName { get; init; } = "";
    public Locality Locality { get; init; } = Locality.Unknown;
    public bool Healthy { get; init; } = true;

    /// <summary>Shares its addresses with its node (and with others there), so the addresses do not name it.</summary>
    public bool HostNetwork { get; init; }

    /// <summary>The share of connections relative to the service's other workloads. 0 takes none.</summary>
    public uint Capacity { get; init; } = 1;

    public WaypointReference? Waypoint { get; init; }

    /// <summary>The port that expects a PROXY v2 header before the client's bytes; 0 for none.</summary>
    public ushort ProxyProtocolPort { get; init; }

    /// <summary>The services it belongs to. A handful at most, so a search in order beats a dictionary for each of many thousand workloads.</summary>
    public ImmutableArray<ServiceMembership> Services { get; init; } = [];

    /// <summary>The SPIFFE identity of its service account.</summary>
    public string Identity => $"spiffe://{TrustDomain}/ns/{Namespace}/sa/{ServiceAccount}";

    /// <summary>
    /// The port on this workload that serves a port of a service; 0 when it serves none. The workload's own list comes first, since only
    /// it knows a named port; then the service's number; then the port of its application tunnel.
    /// </summary>
    public ushort TargetPort(string serviceKey, ServicePort port)
    {
        foreach (ServiceMembership membership in Services)
        {
            if (membership.ServiceKey != serviceKey)
            {
                continue;
            }

            foreach (ServicePort own in membership.Ports)
            {
                if (own.Port == port.Port && own.TargetPort != 0)
                {
                    return own.TargetPort;
                }
            }
        }

        return port.TargetPort != 0 ? port.TargetPort : ProxyProtocolPort;
    }
}

/// <param name="ServiceKey">The service, which may not be known (yet).</param>
/// <param name="Ports">The target ports that this workload has for the service's ports.</param>
internal readonly record struct ServiceMembership(string ServiceKey, ImmutableArray<ServicePort> Ports);
