namespace Waypoint.NodeAgent.Workloads;

/// <summary>What a batch of updates touched in a <see cref="WorkloadStore"/>: the start of working out what must be compiled again.</summary>
internal sealed class StoreChanges
{
    /// <summary>Services that were put or removed.</summary>
    public HashSet<string> Services { get; } = [];

    /// <summary>Workloads that were put or removed, by uid.</summary>
    public HashSet<string> Workloads { get; } = [];

    /// <summary>Services (by key, known or not) that gained, lost or changed an endpoint.</summary>
    public HashSet<string> Endpoints { get; } = [];

    /// <summary>Services that the Kubernetes API told of anew, or no longer tells of.</summary>
    public HashSet<string> ClusterServices { get; } = [];

    /// <summary>References that became a waypoint by being named for the first time, or ceased to be one.</summary>
    public HashSet<WaypointReference> Waypoints { get; } = [];

    /// <summary>Addresses that someone claimed or gave up.</summary>
    public HashSet<InternetAddress> Addresses { get; } = [];

    /// <summary>The node learned a new locality of its own, on which every choice by locality depends.</summary>
    public bool Locality { get; set; }

    public void Touch(Service service)
    {
        Services.Add(service.Key);
        Addresses.UnionWith(service.Addresses);
    }

    public void Touch(ClusterService service)
    {
        ClusterServices.Add(service.Key);
        Addresses.UnionWith(service.Addresses);
    }

    public void Touch(Workload workload)
    {
        Workloads.Add(workload.Uid);
        Addresses.UnionWith(workload.Addresses);
        foreach (ServiceMembership membership in workload.Services)
        {
            Endpoints.Add(membership.ServiceKey);
        }
    }
}
