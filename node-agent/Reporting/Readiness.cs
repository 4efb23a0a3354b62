using Waypoint.NodeAgent.Enrolment.Labels;
using Waypoint.NodeAgent.Reconciliation;

namespace Waypoint.NodeAgent.Reporting;

/// <summary>Whether this node's connections meet the mesh as the control plane describes it.</summary>
internal sealed class Readiness(Reconciler reconciler, PodEnroller? enroller = null)
{
    /// <summary>The kernel's programs of this version are in force.</summary>
    public bool Attached { get; set; }

    /// <summary>What is still to come; null when nothing is.</summary>
    public string? Missing =>
        !reconciler.Synchronized.IsCompleted ? "waiting for the control plane's first answer"
        : enroller is { Synchronized.IsCompleted: false } ? "waiting for the first list of the Kubernetes API"
        : !Attached ? "the kernel engine is not attached yet"
        : null;
}
