using System.Collections.Immutable;
using System.Net;
using Google.Protobuf;
using Waypoint.GatewayApi.Inventory;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources;
using Waypoint.GatewayApi.Validation;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Delta.Server;

namespace Waypoint.GatewayApi.Translation;

/// <summary>
/// Keeps the resources equal to the objects. It translates again only what a change touches (<see cref="DirtySet"/>): a route its
/// ports' chains, a pod its endpoints and its workload. Not thread-safe: the control loop owns it.
/// </summary>
internal sealed partial class Translator
{
    private readonly MeshSettings _mesh;
    private readonly ObjectInventory _inventory = new();
    private readonly WaypointBinding _binding;
    private readonly ChangeTracker _tracker;
    private readonly EndpointResolver _endpoints;
    private readonly WorkloadTranslation _workloads;
    private readonly ServiceTranslation _services;
    private readonly ChainTranslation _chains;
    private readonly RouteStatusWriter _statuses;
    private readonly Dictionary<NamespacedName, WaypointState> _waypoints = [];
    private readonly Dictionary<NamespacedName, NamespacedName> _boundServices = [];
    private readonly Dictionary<NamespacedName, NamespacedName> _boundPods = [];
    private readonly Dictionary<NamespacedName, List<string>> _sliceWorkloads = [];
    private ResourceBatch _changes = new();
    private readonly SortedDictionary<string, RouteStatus> _routes = new(StringComparer.Ordinal);

    public Translator(MeshSettings mesh)
    {
        _mesh = mesh;
        _binding = new WaypointBinding(_inventory);
        _tracker = new ChangeTracker(_inventory, _binding);
        _endpoints = new EndpointResolver(_inventory);
        _workloads = new WorkloadTranslation(_inventory, _binding, _endpoints, mesh);
        _services = new ServiceTranslation(_binding, mesh);
        BackendResolver backends = new(_inventory);
        RouteAttachment attachment = new(_inventory);
        _chains = new ChainTranslation(attachment, new RouteTranslation(backends, _binding, mesh), backends);
        _statuses = new RouteStatusWriter(_inventory, _binding, attachment, backends);
    }

    public TranslationCounts Counts { get; } = new();

    public ObjectInventory Inventory => _inventory;

    public WaypointBinding Binding => _binding;

    /// <summary>The conditions of every route.</summary>
    public IReadOnlyCollection<RouteStatus> Routes => _routes.Values;

    /// <summary>Takes a batch in; returns what may differ of the served resources.</summary>
    public ResourceBatch Apply(ObjectBatch batch)
    {
        _changes = new ResourceBatch();
        DirtySet dirty = _tracker.Apply(batch.Upserts, batch.Removals);
        foreach (NamespacedName id in dirty.Pods)
        {
            UpdatePod(id);
        }

        foreach (NamespacedName id in dirty.Slices)
        {
            UpdateSlice(id);
        }

        foreach (NamespacedName id in dirty.Services)
        {
            UpdateService(id);
        }

        foreach ((NamespacedName service, int port) in dirty.Chains.Where(chain => !dirty.Services.Contains(chain.Service)))
        {
            UpdateChain(service, port);
        }

        foreach (NamespacedName id in dirty.Endpoints.Where(id => !dirty.Services.Contains(id)))
        {
            UpdateEndpoints(id);
        }

        foreach (ObjectKey key in dirty.Routes)
        {
            UpdateRoute(key);
        }

        foreach (WaypointState waypoint in _waypoints.Values.ToList())
        {
            UpdateWaypoint(waypoint);
        }

        return _changes;
    }

    private void UpdatePod(NamespacedName id)
    {
        string uid = ResourceNames.PodUid(id, _mesh);
        Pod? pod = _inventory.Pod(id) is { Live: true } live ? live : null;
        NamespacedName? waypoint = pod is null ? null : _binding.Of(pod);
        Rebind(_boundPods, id, waypoint, state => state.ListenerStale |= state.Workloads.Remove(id));
        if (waypoint is { } bound)
        {
            WaypointState state = State(bound);
            bool same = state.Workloads.TryGetValue(id, out ImmutableArray<IPAddress> addresses) && addresses.SequenceEqual(pod!.Addresses);
            state.Workloads[id] = pod!.Addresses;
            state.ListenerStale |= !same;
        }

        if (pod is null)
        {
            RemoveWorkload(uid);
        }
        else
        {
            SetWorkload(_workloads.Translate(pod));
        }
    }

    private void UpdateSlice(NamespacedName id)
    {
        List<string> before = _sliceWorkloads.GetValueOrDefault(id) ?? [];
        List<string> now = [];
        if (_inventory.Get(new ObjectKey(ObjectKind.EndpointSlice, id.Namespace, id.Name)) is EndpointSlice slice)
        {
            foreach (Istio.Workload.Workload workload in _workloads.Translate(slice))
            {
                now.Add(workload.Uid);
                SetWorkload(workload);
            }
        }

        foreach (string uid in before.Except(now))
        {
            RemoveWorkload(uid);
        }

        _sliceWorkloads[id] = now;
    }

    private void SetWorkload(Istio.Workload.Workload workload)
    {
        Counts.Workloads++;
        _changes.Set(Scopes.Mesh, ServedResource.Create(workload.Uid, workload));
        _changes.Set(Scopes.Mesh, ServedResource.Create(workload.Uid, new Istio.Workload.Address { Workload = workload }));
    }

    private void RemoveWorkload(string uid)
    {
        _changes.Remove(Scopes.Mesh, ResourceTypes.Workload, uid);
        _changes.Remove(Scopes.Mesh, ResourceTypes.Address, uid);
    }

    private void UpdateRoute(ObjectKey key)
    {
        if (_inventory.Route(key) is { } route)
        {
            Counts.Routes++;
            _routes[key.ToString()] = _statuses.Write(route);
        }
        else
        {
            _routes.Remove(key.ToString());
        }
    }

    private WaypointState State(NamespacedName gateway)
    {
        if (!_waypoints.TryGetValue(gateway, out WaypointState? state))
        {
            _waypoints[gateway] = state = new WaypointState(gateway);
            _changes.Set(state.Scope, ServedResource.Create(ResourceNames.Encap, ClusterTranslation.Encap()));
        }

        return state;
    }

    private void Rebind(
        Dictionary<NamespacedName, NamespacedName> bindings,
        NamespacedName id,
        NamespacedName? waypoint,
        Action<WaypointState> release)
    {
        if (bindings.TryGetValue(id, out NamespacedName old) && old != waypoint && _waypoints.TryGetValue(old, out WaypointState? state))
        {
            release(state);
        }

        if (waypoint is { } now)
        {
            bindings[id] = now;
        }
        else
        {
            bindings.Remove(id);
        }
    }

    private void UpdateWaypoint(WaypointState waypoint)
    {
        if (_inventory.Gateway(waypoint.Gateway) is not { IsWaypoint: true } && waypoint.Services.Count == 0 && waypoint.Workloads.Count == 0)
        {
            foreach (string typeUrl in new[] { ResourceTypes.Listener, ResourceTypes.Cluster, ResourceTypes.Endpoints })
            {
                _changes.Replace(waypoint.Scope, typeUrl, []);
            }

            _waypoints.Remove(waypoint.Gateway);
            return;
        }

        if (!waypoint.ListenerStale)
        {
            return;
        }

        waypoint.ListenerStale = false;
        Counts.Listeners++;
        List<ByteString> chains = [.. waypoint.Services.Values.SelectMany(service => service.Ports).SelectMany(port => port.Chains.Chains), .. DirectChains];
        List<ByteString> branches = [.. waypoint.Services.Values.Select(service => service.Branch).OfType<ByteString>()];
        List<IPAddress> addresses = [.. waypoint.Workloads.Values.SelectMany(own => own)];
        if (addresses.Count > 0)
        {
            branches.Add(MatcherTranslation.Workloads(addresses).ToByteString());
        }

        ByteString body = ListenerAssembly.Assemble(chains, branches, addresses.Count > 0 ? null : DeclaredPorts(waypoint));
        _changes.Set(waypoint.Scope, ServedResource.Create(ResourceNames.MainListener, ResourceTypes.Listener, body));
    }

    private static readonly ByteString[] DirectChains = [.. ChainTranslation.Direct().Select(chain => chain.ToByteString())];

    /// <summary>Port numbers that no service of the waypoint leaves undeclared.</summary>
    private static HashSet<int> DeclaredPorts(WaypointState waypoint)
    {
        HashSet<int> declared = [];
        HashSet<int> undeclared = [];
        foreach ((ServicePort port, _) in waypoint.Services.Values.SelectMany(service => service.Ports))
        {
            (PortProtocols.Of(port) == PortProtocol.Unknown ? undeclared : declared).Add(port.Port);
        }

        declared.ExceptWith(undeclared);
        return declared;
    }
}
