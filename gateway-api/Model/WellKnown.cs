namespace Waypoint.GatewayApi.Model;

/// <summary>Names that other programs chose: API groups, labels and annotations that steer the mesh.</summary>
internal static class WellKnown
{
    public const string GatewayGroup = "gateway.networking.k8s.io";

    /// <summary>Pod label of a Gateway's own pods.</summary>
    public const string GatewayName = "gateway.networking.k8s.io/gateway-name";

    public const string UseWaypoint = "istio.io/use-waypoint";
    public const string UseWaypointNamespace = "istio.io/use-waypoint-namespace";
    public const string WaypointFor = "istio.io/waypoint-for";

    /// <summary>Gateway or GatewayClass annotation, <c>PROXY[/port]</c>: how the waypoint wants to be told the destination.</summary>
    public const string InboundBinding = "ambient.istio.io/waypoint-inbound-binding";

    /// <summary>Pod annotation <c>enabled</c>: a ztunnel takes the pod's HBONE.</summary>
    public const string Redirection = "ambient.istio.io/redirection";

    /// <summary>EndpointSlice label that names its Service.</summary>
    public const string ServiceName = "kubernetes.io/service-name";

    public const string TrafficDistribution = "networking.istio.io/traffic-distribution";

    /// <summary>Where a waypoint takes HBONE, and the port that WDS names for it.</summary>
    public const int HbonePort = 15008;

    /// <summary>Where a waypoint takes PROXY protocol and the kernel's redirect.</summary>
    public const int RedirectPort = 15088;

    /// <summary>The name under which this control plane writes conditions.</summary>
    public const string ControllerName = "waypoint.mesh/control-plane";
}
