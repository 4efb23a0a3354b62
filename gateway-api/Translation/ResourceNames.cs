using System.Globalization;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Translation;

/// <summary>istiod's names for what it sends.</summary>
internal static class ResourceNames
{
    /// <summary>The cluster of a backend that must not or cannot be reached; nothing has this name, so its share of requests gets 500.</summary>
    public const string UnknownService = "UnknownService";

    public const string MainListener = "main_internal";
    public const string ConnectOriginate = "connect_originate";
    public const string Encap = "encap";
    public const string DirectTcp = "direct-tcp";
    public const string DirectHttp = "direct-http";

    public static string Hostname(NamespacedName service, MeshSettings mesh) => $"{service.Name}.{service.Namespace}.svc.{mesh.Domain}";

    /// <summary>The cluster, and the filter chain, of a port of a service behind this waypoint.</summary>
    public static string Inbound(int port, bool http, string hostname) =>
        string.Create(CultureInfo.InvariantCulture, $"inbound-vip|{port}|{(http ? "http" : "tcp")}|{hostname}");

    /// <summary>The cluster of a port of a service that is behind another waypoint, or behind none.</summary>
    public static string Outbound(int port, string hostname) => string.Create(CultureInfo.InvariantCulture, $"outbound|{port}||{hostname}");

    /// <summary>A service's name in WDS.</summary>
    public static string Address(NamespacedName service, MeshSettings mesh) => $"{service.Namespace}/{Hostname(service, mesh)}";

    /// <summary>A pod's name in WDS.</summary>
    public static string PodUid(NamespacedName pod, MeshSettings mesh) => $"{mesh.ClusterId}//Pod/{pod.Namespace}/{pod.Name}";

    /// <summary>The name in WDS of an address that a handwritten EndpointSlice adds.</summary>
    public static string SliceUid(NamespacedName slice, string address, MeshSettings mesh) =>
        $"{mesh.ClusterId}/discovery.k8s.io/EndpointSlice/{slice.Namespace}/{slice.Name}/{address}";
}
