using Waypoint.NodeAgent.Enrolment.Labels;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Reporting;

/// <summary>
/// Whether this node's connections meet the mesh as the control plane describes it; where there is no kube-proxy, whether they meet the
/// cluster's services, which come first.
/// </summary>
internal sealed class Readiness(Node node, Reconciler reconciler, PodEnroller? enroller = null)
{
    /// <summary>The kernel's programs of this version are in force.</summary>
    public bool Attached { get; set; }

    /// <summary>What is still to come; null when nothing is.</summary>
    public string? Missing =>
        node.ReplacesKubeProxy && !reconciler.Served.IsCompleted ? "waiting for the first list of services of the Kubernetes API"
        : !node.ReplacesKubeProxy && !reconciler.Synchronized.IsCompleted ? "waiting for the control plane's first answer"
        : enroller is { Synchronized.IsCompleted: false } ? "waiting for the first list of the Kubernetes API"
        : !Attached ? "the kernel engine is not attached yet"
        : null;
}
