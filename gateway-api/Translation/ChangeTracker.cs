using Waypoint.GatewayApi.Inventory;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Translation;

/// <summary>
/// Follows a changed object to what depends on it. Each change is followed twice, in the world before it and in the world after: a pod
/// that left a service touches that service too.
/// </summary>
internal sealed class ChangeTracker(ObjectInventory inventory, WaypointBinding binding)
{
    /// <summary>Brings the inventory up to date and returns what became stale.</summary>
    public DirtySet Apply(IReadOnlyList<KubernetesObject> upserts, IReadOnlyList<ObjectKey> removals)
    {
        DirtySet dirty = new();
        foreach (ObjectKey key in removals)
        {
            if (inventory.Get(key) is { } old)
            {
                Follow(old, dirty);
            }
        }

        foreach (KubernetesObject changed in upserts)
        {
            if (inventory.Get(changed.Key) is { } old)
            {
                Follow(old, dirty);
            }
        }

        foreach (ObjectKey key in removals)
        {
            inventory.Remove(key);
        }

        foreach (KubernetesObject changed in upserts)
        {
            inventory.Set(changed);
        }

        foreach (ObjectKey key in removals)
        {
            FollowAbsence(key, dirty);
        }

        foreach (KubernetesObject changed in upserts)
        {
            Follow(changed, dirty);
        }

        return dirty;
    }

    private void Follow(KubernetesObject changed, DirtySet dirty)
    {
        switch (changed)
        {
            case Service service:
                FollowService(service, dirty);
                break;
            case Pod pod:
                FollowPod(pod, dirty);
                break;
            case EndpointSlice slice:
                FollowSlice(slice, dirty);
                break;
            case Route route:
                FollowRoute(route, dirty);
                break;
            case Gateway gateway:
                FollowGateway(gateway, dirty);
                break;
            case Namespace:
                FollowNamespace(changed.Name, dirty);
                break;
            case ReferenceGrant grant:
                FollowGrant(grant, dirty);
                break;
            case Node:
                FollowNode(changed.Name, dirty);
                break;
            case GatewayClass:
                FollowClass(changed.Name, dirty);
                break;
        }
    }

    /// <summary>A Service of a Gateway's name that is gone leaves the one that the Gateway implies.</summary>
    private void FollowAbsence(ObjectKey key, DirtySet dirty)
    {
        if (key.Kind == ObjectKind.Service && inventory.Service(new NamespacedName(key.Namespace, key.Name)) is { } implied)
        {
            FollowService(implied, dirty);
        }
    }

    private void FollowService(Service service, DirtySet dirty)
    {
        dirty.Services.Add(service.Id);
        foreach (Pod pod in inventory.SelectedPods(service))
        {
            dirty.Pods.Add(pod.Id);
        }

        foreach (EndpointSlice slice in inventory.Slices(service.Id))
        {
            FollowSlicePods(slice, dirty);
        }

        foreach (ObjectKey key in inventory.RoutesByBackend(service.Id))
        {
            FollowRoute(inventory.Route(key)!, dirty);
        }

        dirty.Routes.UnionWith(inventory.RoutesByParent(service.Id));
    }

    private void FollowPod(Pod pod, DirtySet dirty)
    {
        dirty.Pods.Add(pod.Id);
        foreach (Service service in inventory.SelectingServices(pod))
        {
            dirty.Endpoints.Add(service.Id);
        }

        foreach (EndpointSlice slice in inventory.SlicesOf(pod.Id))
        {
            FollowSlice(slice, dirty);
        }
    }

    private void FollowSlice(EndpointSlice slice, DirtySet dirty)
    {
        dirty.Endpoints.Add(slice.Service);
        FollowSlicePods(slice, dirty);
        // The first slice of a Service takes the place of its selector.
        if (inventory.Service(slice.Service) is { } service)
        {
            foreach (Pod pod in inventory.SelectedPods(service))
            {
                dirty.Pods.Add(pod.Id);
            }
        }
    }

    private static void FollowSlicePods(EndpointSlice slice, DirtySet dirty)
    {
        dirty.Slices.Add(slice.Id);
        foreach (SliceEndpoint endpoint in slice.Endpoints)
        {
            if (endpoint.Pod is { } pod)
            {
                dirty.Pods.Add(pod);
            }
        }
    }

    private void FollowRoute(Route route, DirtySet dirty)
    {
        dirty.Routes.Add(route.Key);
        foreach (ParentRef parent in route.ParentRefs)
        {
            if (!parent.IsService || inventory.Service(parent.Id) is not { } service)
            {
                continue;
            }

            foreach (ServicePort port in service.Ports)
            {
                if ((parent.Port is null || parent.Port == port.Port) && (parent.SectionName is null || parent.SectionName == port.Name))
                {
                    dirty.Chains.Add((service.Id, port.Port));
                }
            }

            if (route is TcpRoute)
            {
                // An older TCPRoute decides whether a younger one of the same port counts.
                dirty.Routes.UnionWith(inventory.RoutesByParent(service.Id).Where(key => key.Kind == ObjectKind.TCPRoute));
            }
        }
    }

    private void FollowGateway(Gateway gateway, DirtySet dirty)
    {
        foreach (Service service in inventory.Services)
        {
            if (service.Id == gateway.Id || binding.Wanted(service) == gateway.Id)
            {
                FollowService(service, dirty);
            }
        }

        foreach (Pod pod in inventory.All<Pod>(ObjectKind.Pod))
        {
            bool own = pod.Namespace == gateway.Namespace && pod.Metadata.Label(WellKnown.GatewayName) == gateway.Name;
            if (own || binding.Wanted(pod) == gateway.Id)
            {
                dirty.Pods.Add(pod.Id);
            }
        }

        dirty.Services.Add(gateway.Id);
        dirty.Routes.UnionWith(inventory.Routes
            .Where(route => route.ParentRefs.Any(parent => !parent.IsService && parent.Id == gateway.Id))
            .Select(route => route.Key));
    }

    private void FollowNamespace(string space, DirtySet dirty)
    {
        foreach (Service service in inventory.Services.Where(service => service.Namespace == space))
        {
            FollowService(service, dirty);
        }

        dirty.Pods.UnionWith(inventory.All<Pod>(ObjectKind.Pod).Where(pod => pod.Namespace == space).Select(pod => pod.Id));
    }

    private void FollowGrant(ReferenceGrant grant, DirtySet dirty)
    {
        foreach (Route route in inventory.Routes)
        {
            if (route.BackendRefs.Any(backend => backend.Namespace == grant.Namespace && backend.Namespace != route.Namespace))
            {
                FollowRoute(route, dirty);
            }
        }
    }

    private void FollowNode(string node, DirtySet dirty)
    {
        foreach (Pod pod in inventory.All<Pod>(ObjectKind.Pod).Where(pod => pod.NodeName == node))
        {
            FollowPod(pod, dirty);
        }
    }

    private void FollowClass(string name, DirtySet dirty)
    {
        foreach (Gateway gateway in inventory.All<Gateway>(ObjectKind.Gateway).Where(gateway => gateway.ClassName == name))
        {
            FollowGateway(gateway, dirty);
        }
    }
}
