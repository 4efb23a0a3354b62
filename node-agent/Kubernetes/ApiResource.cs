using System.Text.Json.Serialization.Metadata;
using Waypoint.NodeAgent.Kubernetes.Model;

namespace Waypoint.NodeAgent.Kubernetes;

/// <summary>A kind of object: where the API serves it and how it is read.</summary>
/// <param name="Name">The plural, as in the path and in the rules of a role.</param>
/// <param name="Group">The group and version, as in the path.</param>
internal sealed record ApiResource<T>(string Name, JsonTypeInfo<T> Type, JsonTypeInfo<ResourceList<T>> ListType, string Group = "api/v1")
    where T : IKubernetesObject
{
    /// <summary>All of the cluster, whatever their namespace.</summary>
    public string Path => $"{Group}/{Name}";
}

internal static class ApiResources
{
    public static ApiResource<Pod> Pods { get; } = new("pods", KubernetesJson.Default.Pod, KubernetesJson.Default.ResourceListPod);

    public static ApiResource<Namespace> Namespaces { get; } =
        new("namespaces", KubernetesJson.Default.Namespace, KubernetesJson.Default.ResourceListNamespace);

    public static ApiResource<Service> Services { get; } =
        new("services", KubernetesJson.Default.Service, KubernetesJson.Default.ResourceListService);

    public static ApiResource<EndpointSlice> EndpointSlices { get; } =
        new("endpointslices", KubernetesJson.Default.EndpointSlice, KubernetesJson.Default.ResourceListEndpointSlice, "apis/discovery.k8s.io/v1");
}
