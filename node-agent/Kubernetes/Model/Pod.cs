namespace Waypoint.NodeAgent.Kubernetes.Model;

internal sealed record Pod : IKubernetesObject
{
    public ObjectMeta Metadata { get => field ?? new(); init; }

    public PodSpec Spec { get => field ?? new(); init; }

    public PodStatus Status { get => field ?? new(); init; }
}

internal sealed record PodSpec
{
    /// <summary>It has no network namespace of its own but its node's.</summary>
    public bool HostNetwork { get; init; }
}

internal sealed record PodStatus
{
    /// <summary>Pending, Running, Succeeded, Failed or Unknown.</summary>
    public string Phase { get => field ?? ""; init; }

    /// <summary>One of each family; absent until its sandbox has a network.</summary>
    public IReadOnlyList<PodIP>? PodIPs { get; init; }
}

internal sealed record PodIP
{
    public string IP { get => field ?? ""; init; }
}
