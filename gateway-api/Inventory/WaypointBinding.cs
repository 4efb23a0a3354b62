using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Inventory;

/// <summary>
/// Which waypoint a Service or a pod is behind: the label <c>istio.io/use-waypoint</c> on the object, else on its namespace;
/// <c>none</c> opts out. A label that leads nowhere binds to nothing, it does not fall back to the namespace.
/// </summary>
internal sealed class WaypointBinding(ObjectInventory inventory)
{
    /// <summary>The waypoint Gateway of a Service's traffic; null when it has none.</summary>
    public NamespacedName? Of(Service service)
    {
        if (service.ExternalName || service.Implied || inventory.Gateway(service.Id) is { IsWaypoint: true })
        {
            // A waypoint is not behind a waypoint.
            return null;
        }

        return Resolve(service, WaypointTraffic.Service);
    }

    /// <summary>The waypoint Gateway of traffic to a pod's own addresses; null when it has none.</summary>
    public NamespacedName? Of(Pod pod)
    {
        if (pod.Metadata.Label(WellKnown.GatewayName) is { } own && inventory.Gateway(new NamespacedName(pod.Namespace, own)) is { IsWaypoint: true })
        {
            return null;
        }

        return Resolve(pod, WaypointTraffic.Workload);
    }

    /// <summary>Which Gateway an object's labels name, whether it exists or not.</summary>
    public NamespacedName? Wanted(KubernetesObject bound)
    {
        string? name = bound.Metadata.Label(WellKnown.UseWaypoint);
        string? space = bound.Metadata.Label(WellKnown.UseWaypointNamespace);
        if (name is null)
        {
            name = inventory.NamespaceLabel(bound.Namespace, WellKnown.UseWaypoint);
            space = inventory.NamespaceLabel(bound.Namespace, WellKnown.UseWaypointNamespace);
        }

        return name is null or "" or "none" ? null : new NamespacedName(space ?? bound.Namespace, name);
    }

    /// <summary>Why an object that names a waypoint is not behind it; null when it is, or names none.</summary>
    public string? Problem(Service service)
    {
        if (Wanted(service) is not { } wanted || Of(service) is not null || service.ExternalName || inventory.Gateway(service.Id) is not null)
        {
            return null;
        }

        return inventory.Gateway(wanted) switch
        {
            null => $"the waypoint {wanted} does not exist",
            { IsWaypoint: false } other => $"the Gateway {wanted} is of class {other.ClassName}, not a waypoint",
            { Traffic: WaypointTraffic.Workload or WaypointTraffic.None } other => $"the waypoint {wanted} is for {other.Metadata.Label(WellKnown.WaypointFor)}, not for services",
            _ => $"the waypoint {wanted} does not allow the namespace {service.Namespace} (allowedRoutes of its listener)",
        };
    }

    private NamespacedName? Resolve(KubernetesObject bound, WaypointTraffic traffic)
    {
        if (Wanted(bound) is not { } wanted || inventory.Gateway(wanted) is not { IsWaypoint: true } gateway)
        {
            return null;
        }

        bool takes = gateway.Traffic == traffic || gateway.Traffic == WaypointTraffic.All;
        return takes && Allows(gateway, bound.Namespace) ? wanted : null;
    }

    private bool Allows(Gateway gateway, string space)
    {
        if (gateway.Namespace == space)
        {
            return true;
        }

        foreach (GatewayListener listener in gateway.Listeners)
        {
            if (listener.AllowedFrom == AllowedNamespaces.All)
            {
                return true;
            }

            if (listener.AllowedFrom == AllowedNamespaces.Selector && listener.AllowedSelector is { } selector &&
                inventory.NamespaceMetadata(space) is { } metadata && selector.Matches(metadata.Labels))
            {
                return true;
            }
        }

        return false;
    }
}
