namespace Waypoint.NodeAgent.Kubernetes.Model;

internal sealed record Service : IKubernetesObject
{
    public ObjectMeta Metadata { get => field ?? new(); init; }

    public ServiceSpec Spec { get => field ?? new(); init; }

    public ServiceStatus Status { get => field ?? new(); init; }
}

internal sealed record ServiceSpec
{
    /// <summary>ClusterIP, NodePort, LoadBalancer or ExternalName.</summary>
    public string Type { get => field ?? ""; init; }

    /// <summary>One of each family at most; <c>None</c> for a headless service.</summary>
    public IReadOnlyList<string> ClusterIPs { get => field ?? []; init; }

    public IReadOnlyList<ServicePort> Ports { get => field ?? []; init; }

    public IReadOnlyList<string> ExternalIPs { get => field ?? []; init; }

    /// <summary>None or ClientIP.</summary>
    public string SessionAffinity { get => field ?? ""; init; }

    /// <summary>Cluster or Local.</summary>
    public string InternalTrafficPolicy { get => field ?? ""; init; }

    public string TrafficDistribution { get => field ?? ""; init; }
}

internal sealed record ServicePort
{
    /// <summary>Unique in its service; may be empty when it is the only one.</summary>
    public string Name { get => field ?? ""; init; }

    /// <summary>TCP, UDP or SCTP.</summary>
    public string Protocol { get => field ?? ""; init; }

    public ushort Port { get; init; }

    public ushort NodePort { get; init; }
}

internal sealed record ServiceStatus
{
    public LoadBalancerStatus LoadBalancer { get => field ?? new(); init; }
}

internal sealed record LoadBalancerStatus
{
    public IReadOnlyList<LoadBalancerIngress> Ingress { get => field ?? []; init; }
}

internal sealed record LoadBalancerIngress
{
    public string IP { get => field ?? ""; init; }
}
