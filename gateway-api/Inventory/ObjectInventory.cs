using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Inventory;

/// <summary>All objects in force, and the indexes that answer "who is touched by this?". Not thread-safe: the control loop owns it.</summary>
internal sealed class ObjectInventory
{
    private static readonly IReadOnlyCollection<ObjectKey> NoKeys = [];
    private static readonly IReadOnlyCollection<EndpointSlice> NoSlices = [];

    private readonly Dictionary<ObjectKey, KubernetesObject> _objects = [];
    private readonly Dictionary<NamespacedName, SortedDictionary<string, EndpointSlice>> _slices = [];
    private readonly Dictionary<NamespacedName, HashSet<ObjectKey>> _slicesByPod = [];
    private readonly Dictionary<NamespacedName, HashSet<ObjectKey>> _routesByParent = [];
    private readonly Dictionary<NamespacedName, HashSet<ObjectKey>> _routesByBackend = [];
    private readonly Dictionary<ObjectKind, HashSet<ObjectKey>> _byKind = [];
    private readonly LabelIndex _labels = new();

    public int Count => _objects.Count;

    public KubernetesObject? Get(ObjectKey key) => _objects.GetValueOrDefault(key);

    /// <summary>The Service, or the one that a Gateway of that name implies.</summary>
    public Service? Service(NamespacedName id) => Get(new ObjectKey(ObjectKind.Service, id.Namespace, id.Name)) as Service ?? ImpliedService(id);

    public Pod? Pod(NamespacedName id) => Get(new ObjectKey(ObjectKind.Pod, id.Namespace, id.Name)) as Pod;

    public Gateway? Gateway(NamespacedName id) => Get(new ObjectKey(ObjectKind.Gateway, id.Namespace, id.Name)) as Gateway;

    public GatewayClass? GatewayClass(string name) => Get(new ObjectKey(ObjectKind.GatewayClass, "", name)) as GatewayClass;

    public Node? Node(string name) => Get(new ObjectKey(ObjectKind.Node, "", name)) as Node;

    public Route? Route(ObjectKey key) => Get(key) as Route;

    /// <summary>The labels of a namespace; a namespace that no file describes has none.</summary>
    public string? NamespaceLabel(string space, string label) =>
        (Get(new ObjectKey(ObjectKind.Namespace, "", space)) as Namespace)?.Metadata.Label(label);

    public ObjectMetadata? NamespaceMetadata(string space) => Get(new ObjectKey(ObjectKind.Namespace, "", space))?.Metadata;

    public IEnumerable<T> All<T>(ObjectKind kind)
        where T : KubernetesObject =>
        _byKind.TryGetValue(kind, out HashSet<ObjectKey>? keys) ? keys.Select(key => (T)_objects[key]) : [];

    /// <summary>Services, those that Gateways imply among them.</summary>
    public IEnumerable<Service> Services =>
        All<Service>(ObjectKind.Service).Concat(All<Gateway>(ObjectKind.Gateway).Select(gateway => ImpliedService(gateway.Id)).OfType<Service>());

    public IEnumerable<Route> Routes =>
        All<Route>(ObjectKind.HTTPRoute).Concat(All<Route>(ObjectKind.GRPCRoute)).Concat(All<Route>(ObjectKind.TCPRoute));

    /// <summary>The routes that name the Service as a parent.</summary>
    public IReadOnlyCollection<ObjectKey> RoutesByParent(NamespacedName service) =>
        _routesByParent.TryGetValue(service, out HashSet<ObjectKey>? routes) ? routes : NoKeys;

    /// <summary>The routes that name the Service as a backend or a mirror.</summary>
    public IReadOnlyCollection<ObjectKey> RoutesByBackend(NamespacedName service) =>
        _routesByBackend.TryGetValue(service, out HashSet<ObjectKey>? routes) ? routes : NoKeys;

    /// <summary>The Service's EndpointSlices, by name.</summary>
    public IReadOnlyCollection<EndpointSlice> Slices(NamespacedName service) =>
        _slices.TryGetValue(service, out SortedDictionary<string, EndpointSlice>? slices) ? slices.Values : NoSlices;

    /// <summary>The EndpointSlices that say they lead to the pod.</summary>
    public IEnumerable<EndpointSlice> SlicesOf(NamespacedName pod) =>
        _slicesByPod.TryGetValue(pod, out HashSet<ObjectKey>? slices) ? slices.Select(key => (EndpointSlice)_objects[key]) : [];

    /// <summary>The pods that a Service's selector picks, by name. A Service without selector picks none.</summary>
    public IReadOnlyList<Pod> SelectedPods(Service service)
    {
        List<Pod> pods = [];
        foreach (NamespacedName id in _labels.PodCandidates(service.Namespace, service.Selector))
        {
            if (Pod(id) is { } pod && LabelSelector.Contains(pod.Metadata.Labels, service.Selector))
            {
                pods.Add(pod);
            }
        }

        pods.Sort(static (left, right) => left.Id.CompareTo(right.Id));
        return pods;
    }

    /// <summary>The Services whose selector picks the pod, and the one of the Gateway whose pod it is.</summary>
    public IEnumerable<Service> SelectingServices(Pod pod)
    {
        foreach (NamespacedName id in _labels.ServiceCandidates(pod))
        {
            if (Service(id) is { } service && LabelSelector.Contains(pod.Metadata.Labels, service.Selector))
            {
                yield return service;
            }
        }

        if (pod.Metadata.Label(WellKnown.GatewayName) is { } name && ImpliedService(new NamespacedName(pod.Namespace, name)) is { } implied)
        {
            yield return implied;
        }
    }

    public bool Granted(string fromKind, string fromNamespace, NamespacedName to)
    {
        foreach (ReferenceGrant grant in All<ReferenceGrant>(ObjectKind.ReferenceGrant))
        {
            if (grant.Namespace == to.Namespace && grant.Allows(fromKind, fromNamespace, to.Name))
            {
                return true;
            }
        }

        return false;
    }

    public void Set(KubernetesObject added)
    {
        Remove(added.Key);
        _objects[added.Key] = added;
        Index(_byKind, added.Kind, added.Key);
        switch (added)
        {
            case Pod pod:
                _labels.Add(pod);
                break;
            case Service service:
                _labels.Add(service);
                break;
            case EndpointSlice slice:
                if (!_slices.TryGetValue(slice.Service, out SortedDictionary<string, EndpointSlice>? slices))
                {
                    _slices[slice.Service] = slices = new(StringComparer.Ordinal);
                }

                slices[slice.Name] = slice;
                foreach (SliceEndpoint endpoint in slice.Endpoints)
                {
                    if (endpoint.Pod is { } pod)
                    {
                        Index(_slicesByPod, pod, slice.Key);
                    }
                }

                break;
            case Route route:
                foreach (ParentRef parent in route.ParentRefs.Where(parent => parent.IsService))
                {
                    Index(_routesByParent, parent.Id, route.Key);
                }

                foreach (BackendRef backend in route.BackendRefs.Where(backend => backend.IsService))
                {
                    Index(_routesByBackend, backend.Id, route.Key);
                }

                break;
        }
    }

    public void Remove(ObjectKey key)
    {
        if (!_objects.Remove(key, out KubernetesObject? removed))
        {
            return;
        }

        Unindex(_byKind, key.Kind, key);
        switch (removed)
        {
            case Pod pod:
                _labels.Remove(pod);
                break;
            case Service service:
                _labels.Remove(service);
                break;
            case EndpointSlice slice:
                if (_slices.TryGetValue(slice.Service, out SortedDictionary<string, EndpointSlice>? slices) && slices.Remove(slice.Name) && slices.Count == 0)
                {
                    _slices.Remove(slice.Service);
                }

                foreach (SliceEndpoint endpoint in slice.Endpoints)
                {
                    if (endpoint.Pod is { } pod)
                    {
                        Unindex(_slicesByPod, pod, key);
                    }
                }

                break;
            case Route route:
                foreach (ParentRef parent in route.ParentRefs)
                {
                    Unindex(_routesByParent, parent.Id, key);
                }

                foreach (BackendRef backend in route.BackendRefs)
                {
                    Unindex(_routesByBackend, backend.Id, key);
                }

                break;
        }
    }

    /// <summary>
    /// istiod makes a Service for each waypoint Gateway. A folder has nobody who would, so the Gateway itself stands for it: without
    /// an address, with the pods that carry its name.
    /// </summary>
    private Service? ImpliedService(NamespacedName id)
    {
        if (Gateway(id) is not { IsWaypoint: true } gateway || Get(new ObjectKey(ObjectKind.Service, id.Namespace, id.Name)) is not null)
        {
            return null;
        }

        return new Service(
            gateway.Header,
            false,
            true,
            [],
            gateway.Metadata.Labels.Clear().Add(WellKnown.GatewayName, id.Name),
            [
                new ServicePort("status-port", 15021, new TargetPort(15021, null), TransportProtocol.Tcp, "tcp"),
                new ServicePort("mesh", WellKnown.HbonePort, new TargetPort(WellKnown.HbonePort, null), TransportProtocol.Tcp, "all"),
            ],
            false,
            false,
            "PreferSameZone")
        {
            Implied = true,
        };
    }

    private static void Index<TKey>(Dictionary<TKey, HashSet<ObjectKey>> index, TKey key, ObjectKey value)
        where TKey : notnull
    {
        if (!index.TryGetValue(key, out HashSet<ObjectKey>? values))
        {
            index[key] = values = [];
        }

        values.Add(value);
    }

    private static void Unindex<TKey>(Dictionary<TKey, HashSet<ObjectKey>> index, TKey key, ObjectKey value)
        where TKey : notnull
    {
        if (index.TryGetValue(key, out HashSet<ObjectKey>? values) && values.Remove(value) && values.Count == 0)
        {
            index.Remove(key);
        }
    }
}
