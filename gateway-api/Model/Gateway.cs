using System.Collections.Immutable;
using System.Net;

namespace Waypoint.GatewayApi.Model;

/// <summary>Whose objects may use a listener (for a waypoint: which namespaces may bind to it).</summary>
internal enum AllowedNamespaces
{
    Same,
    All,
    Selector,
}

internal sealed record GatewayListener(
    string Name,
    int Port,
    string Protocol,
    AllowedNamespaces AllowedFrom,
    LabelSelector? AllowedSelector);

/// <summary>What a waypoint takes: traffic to services' addresses, to workloads' own addresses, both, or none.</summary>
internal enum WaypointTraffic
{
    Service,
    Workload,
    All,
    None,
}

internal sealed record Gateway(
    ObjectHeader Header,
    string ClassName,
    ImmutableArray<GatewayListener> Listeners,
    ImmutableArray<IPAddress> Addresses)
    : KubernetesObject(ObjectKind.Gateway, Header)
{
    /// <summary>Istio's class, which <c>istioctl waypoint apply</c> writes, and our own.</summary>
    public bool IsWaypoint => ClassName is "istio-waypoint" or "waypoint";

    /// <summary>Null when the label <c>istio.io/waypoint-for</c> holds a word that is none of the four.</summary>
    public WaypointTraffic? Traffic => Metadata.Label(WellKnown.WaypointFor) switch
    {
        null or "" or "service" => WaypointTraffic.Service,
        "workload" => WaypointTraffic.Workload,
        "all" => WaypointTraffic.All,
        "none" => WaypointTraffic.None,
        _ => null,
    };
}

internal sealed record GatewayClass(ObjectHeader Header, string ControllerName)
    : KubernetesObject(ObjectKind.GatewayClass, Header);
