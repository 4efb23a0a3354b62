using Waypoint.NodeAgent.Kubernetes.Model;

namespace Waypoint.NodeAgent.Enrolment.Labels;

/// <summary>Which pods are in the mesh: Istio's rule, by labels of the pod and of its namespace.</summary>
internal static class EnrolmentRule
{
    public const string DataplaneMode = "istio.io/dataplane-mode";
    public const string GatewayClass = "gateway.networking.k8s.io/gateway-class-name";
    public const string SidecarStatus = "sidecar.istio.io/status";

    private const string Ambient = "ambient";
    private const string None = "none";
    private const string WaypointClass = "istio-waypoint";

    /// <param name="namespaceLabels">Null when the namespace is not known, or has none.</param>
    public static EnrolmentVerdict Decide(Pod pod, IReadOnlyDictionary<string, string>? namespaceLabels)
    {
        // Not only running ones: a pod that has init containers left to run is pending, and those may want the mesh.
        if (pod.Status.Phase is "Succeeded" or "Failed")
        {
            return EnrolmentVerdict.Ended;
        }

        if (pod.Spec.HostNetwork)
        {
            return EnrolmentVerdict.HostNetwork;
        }

        if (pod.Metadata.Label(GatewayClass) == WaypointClass)
        {
            return EnrolmentVerdict.Waypoint;
        }

        string? own = pod.Metadata.Label(DataplaneMode);
        return own == None ? EnrolmentVerdict.OptedOut
            : own != Ambient && namespaceLabels?.GetValueOrDefault(DataplaneMode) != Ambient ? EnrolmentVerdict.NotInMesh
            : pod.Metadata.Annotation(SidecarStatus) is { Length: > 0 } ? EnrolmentVerdict.Sidecar
            : pod.Status.PodIPs is not { Count: > 0 } ? EnrolmentVerdict.Starting
            : EnrolmentVerdict.Enrol;
    }
}
