using System.Text.Json;

namespace Waypoint.TestBed.Mesh;

/// <summary>The environment that istiod's pod template gives a waypoint.</summary>
internal static class WaypointEnvironment
{
    internal static Dictionary<string, string> Of(PodManifest pod) => new()
    {
        ["POD_NAME"] = pod.Name,
        ["POD_NAMESPACE"] = pod.Namespace,
        ["INSTANCE_IP"] = pod.Address4.ToString(),
        ["SERVICE_ACCOUNT"] = pod.ServiceAccount,
        ["ISTIO_META_CLUSTER_ID"] = "Kubernetes",
        ["ISTIO_META_NODE_NAME"] = "node",
        ["ISTIO_METAJSON_LABELS"] = JsonSerializer.Serialize(pod.Labels),
        ["PROXY_CONFIG"] = JsonSerializer.Serialize(new { discoveryAddress = $"{Node.Address4}:15010", terminationDrainDuration = "5s" }),
    };
}
