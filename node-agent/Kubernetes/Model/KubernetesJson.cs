using System.Text.Json.Serialization;

namespace Waypoint.NodeAgent.Kubernetes.Model;

/// <summary>Generated at build time, since the program is published trimmed.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ResourceList<Pod>))]
[JsonSerializable(typeof(ResourceList<Namespace>))]
[JsonSerializable(typeof(ResourceList<Service>))]
[JsonSerializable(typeof(ResourceList<EndpointSlice>))]
[JsonSerializable(typeof(WatchLine))]
[JsonSerializable(typeof(Status))]
internal sealed partial class KubernetesJson : JsonSerializerContext;
