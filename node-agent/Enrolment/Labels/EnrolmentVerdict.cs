namespace Waypoint.NodeAgent.Enrolment.Labels;

/// <summary>Whether a pod is to be enrolled, and if not, why.</summary>
internal enum EnrolmentVerdict
{
    Enrol,

    /// <summary>
    /// To be enrolled, but the API knows no address of it yet. The kubelet tells about half a second after the containers have started, so the
    /// pod's cgroup is looked at until its sandbox is in it.
    /// </summary>
    Starting,

    /// <summary>Neither the pod nor its namespace asks for it.</summary>
    NotInMesh,

    /// <summary>The pod says none, whatever its namespace says.</summary>
    OptedOut,

    /// <summary>
    /// It is in the node's network namespace, which is where the kernel engine knows pods by: to enrol it would be to enrol the kubelet, the
    /// container runtime and all that runs on the node besides. Istio leaves such pods out too.
    /// </summary>
    HostNetwork,

    /// <summary>Its own connections must never be redirected (the loop rule).</summary>
    Waypoint,

    /// <summary>A sidecar in it does the mesh's work.</summary>
    Sidecar,

    /// <summary>All its containers have ended for good.</summary>
    Ended,
}
