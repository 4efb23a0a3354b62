using System.Text.Json.Serialization.Metadata;
using Waypoint.NodeAgent.Kubernetes.Model;

namespace Waypoint.NodeAgent.Kubernetes;

/// <summary>A kind of object: where the API serves it and how it is read.</summary>
/// <param name="Name">The plural, as in the path and in the rules of a role.</param>
internal sealed record ApiResource<T>(string Name, JsonTypeInfo<T> Type, JsonTypeInfo<ResourceList<T>> ListType)
    where T : IKubernetesObject
{
    /// <summary>All of the cluster, whatever their namespace.</summary>
    public string Path => $"api/v1/{Name}";
}

internal static class ApiResources
{
    public static ApiResource<Pod> Pods { get; } = new("pods", KubernetesJson.Default.Pod, KubernetesJson.Default.ResourceListPod);

    public static ApiResource<Namespace> Namespaces { get; } =
        new("namespaces", KubernetesJson.Default.Namespace, KubernetesJson.Default.ResourceListNamespace);
}
