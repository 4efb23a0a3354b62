using Waypoint.Proxy.Hosting;

namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>What a waypoint says of itself to the servers of its tunnels, in ztunnel's form of W3C baggage.</summary>
internal static class Baggage
{
    public static string Of(PodEnvironment pod)
    {
        var name = pod.Labels.GetValueOrDefault("service.istio.io/canonical-name", pod.ServiceAccount);
        var version = pod.Labels.GetValueOrDefault("service.istio.io/canonical-revision", "latest");
        return $"k8s.cluster.name={pod.ClusterId},k8s.namespace.name={pod.Namespace},k8s.deployment.name={name},service.name={name},service.version={version}";
    }
}
