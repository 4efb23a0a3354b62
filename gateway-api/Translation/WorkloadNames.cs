using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Translation;

/// <summary>How telemetry calls a pod: the workload that made it, and Istio's canonical service and revision.</summary>
internal static class WorkloadNames
{
    public static string Workload(Pod pod)
    {
        OwnerReference? owner = pod.Metadata.OwnerReferences.FirstOrDefault(owner => owner.Controller);
        if (owner is null)
        {
            return pod.Name;
        }

        // A Deployment owns its pods through a ReplicaSet that is called DEPLOYMENT-HASH.
        string? hash = pod.Metadata.Label("pod-template-hash");
        return owner.Kind == "ReplicaSet" && hash is { Length: > 0 } && owner.Name.EndsWith("-" + hash, StringComparison.Ordinal)
            ? owner.Name[..^(hash.Length + 1)]
            : owner.Name;
    }

    public static string CanonicalName(Pod pod) =>
        pod.Metadata.Label("service.istio.io/canonical-name")
        ?? pod.Metadata.Label("app.kubernetes.io/name")
        ?? pod.Metadata.Label("app")
        ?? Workload(pod);

    /// <summary>Empty when no label tells it; WDS then says "latest".</summary>
    public static string CanonicalRevision(Pod pod) =>
        pod.Metadata.Label("service.istio.io/canonical-revision")
        ?? pod.Metadata.Label("app.kubernetes.io/version")
        ?? pod.Metadata.Label("version")
        ?? "";
}
