using System.Diagnostics.Metrics;

namespace Waypoint.NodeAgent.Kubernetes;

internal static class KubernetesMetrics
{
    private static readonly Meter Meter = new("Waypoint.NodeAgent.Kubernetes");

    public static readonly Counter<long> Reconnects = Meter.CreateCounter<long>(
        "waypoint_kubernetes_watch_reconnects_total", null, "Watches of the Kubernetes API that ended, by resource and reason.");
}
