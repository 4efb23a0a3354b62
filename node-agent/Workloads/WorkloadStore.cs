using System.Diagnostics.CodeAnalysis;

namespace Waypoint.NodeAgent.Workloads;

/// <summary>
/// All services and workloads of the mesh as last told, indexed the ways that compiling them needs. Resources come in any order: a
/// workload before its service, a reference before what it names. Not thread-safe; one writer owns it.
/// </summary>
internal sealed class WorkloadStore(Node node)
{
    private static readonly IReadOnlyDictionary<string, Workload> NoEndpoints = new Dictionary<string, Workload>();

    private readonly Dictionary<string, Service> _services = [];
    private readonly Dictionary<string, Workload> _workloads = [];

    // By service key, also of services that are not known: a workload may arrive before its service, and outlives its replacement.
    private readonly Dictionary<string, Dictionary<string, Workload>> _endpoints = [];
    private readonly AddressIndex<Service> _servicesByAddress = new(BestService);
    private readonly AddressIndex<Workload> _workloadsByAddress = new(BestWorkload);
    private readonly Dictionary<WaypointReference, int> _waypoints = [];
    private readonly SortedDictionary<Locality, int> _localities = [];
    private readonly HashSet<string> _split = [];

    public Node Node { get; } = node;

    public ClusterServiceStore Cluster { get; } = new();

    /// <summary>Where the node is: WDS says so of the workloads on it, so it is unknown until one is known.</summary>
    public Locality Locality { get; private set; } = Locality.Unknown;

    public IReadOnlyDictionary<string, Service> Services => _services;

    public IReadOnlyDictionary<string, Workload> Workloads => _workloads;

    /// <summary>The services whose connections several waypoints share.</summary>
    public IEnumerable<Service> SplitServices => _split.Select(key => _services[key]);

    /// <summary>What services and workloads name as their waypoint.</summary>
    public IEnumerable<WaypointReference> Waypoints => _waypoints.Keys;

    public bool IsWaypoint(WaypointReference reference) => _waypoints.ContainsKey(reference);

    public IReadOnlyDictionary<string, Workload> EndpointsOf(string serviceKey) =>
        _endpoints.TryGetValue(serviceKey, out Dictionary<string, Workload>? endpoints) ? endpoints : NoEndpoints;

    /// <summary>The service that an address stands for. Of several claimants a canonical one wins, then the first by name.</summary>
    public bool TryGetService(InternetAddress address, [NotNullWhen(true)] out Service? service) =>
        _servicesByAddress.TryGet(address, out service);

    /// <summary>The workload that an address names; never one that shares its node's addresses. Of several a healthy one wins, then the first by uid.</summary>
    public bool TryGetWorkload(InternetAddress address, [NotNullWhen(true)] out Workload? workload) =>
        _workloadsByAddress.TryGet(address, out workload);

    public IReadOnlyList<Service> ServicesAt(InternetAddress address) => _servicesByAddress.All(address);

    public IReadOnlyList<Workload> WorkloadsAt(InternetAddress address) => _workloadsByAddress.All(address);

    public void Put(Service service, StoreChanges changes)
    {
        Remove(service.Key, changes);
        _services[service.Key] = service;
        _servicesByAddress.Add(service.Addresses, service);
        if (!service.WaypointSplit.IsEmpty)
        {
            _split.Add(service.Key);
        }

        foreach (WaypointReference waypoint in service.Waypoints)
        {
            Refer(waypoint, changes);
        }

        changes.Touch(service);
    }

    public void Put(Workload workload, StoreChanges changes)
    {
        Remove(workload.Uid, changes);
        _workloads[workload.Uid] = workload;
        foreach (ServiceMembership membership in workload.Services)
        {
            if (!_endpoints.TryGetValue(membership.ServiceKey, out Dictionary<string, Workload>? endpoints))
            {
                _endpoints[membership.ServiceKey] = endpoints = [];
            }

            endpoints[workload.Uid] = workload;
        }

        if (!workload.HostNetwork)
        {
            _workloadsByAddress.Add(workload.Addresses, workload);
        }

        Refer(workload.Waypoint, changes);
        Locate(workload, +1, changes);
        changes.Touch(workload);
    }

    /// <summary>Forgets a workload (by uid) or a service (by <c>namespace/hostname</c>). Its endpoints stay: they are the workloads'. Unknown names are fine.</summary>
    public void Remove(string name, StoreChanges changes)
    {
        if (_services.Remove(name, out Service? service))
        {
            _servicesByAddress.Remove(service.Addresses, service);
            _split.Remove(name);
            foreach (WaypointReference waypoint in service.Waypoints)
            {
                Unrefer(waypoint, changes);
            }

            changes.Touch(service);
        }
        else if (_workloads.Remove(name, out Workload? workload))
        {
            foreach (ServiceMembership membership in workload.Services)
            {
                if (_endpoints.TryGetValue(membership.ServiceKey, out Dictionary<string, Workload>? endpoints)
                    && endpoints.Remove(name)
                    && endpoints.Count == 0)
                {
                    _endpoints.Remove(membership.ServiceKey);
                }
            }

            if (!workload.HostNetwork)
            {
                _workloadsByAddress.Remove(workload.Addresses, workload);
            }

            Unrefer(workload.Waypoint, changes);
            Locate(workload, -1, changes);
            changes.Touch(workload);
        }
    }

    private void Refer(WaypointReference? waypoint, StoreChanges changes)
    {
        if (waypoint is { } reference && (_waypoints[reference] = _waypoints.GetValueOrDefault(reference) + 1) == 1)
        {
            changes.Waypoints.Add(reference);
        }
    }

    private void Unrefer(WaypointReference? waypoint, StoreChanges changes)
    {
        if (waypoint is { } reference && --_waypoints[reference] == 0)
        {
            _waypoints.Remove(reference);
            changes.Waypoints.Add(reference);
        }
    }

    private void Locate(Workload workload, int count, StoreChanges changes)
    {
        if (workload.Node != Node.Name || workload.Locality == Locality.Unknown)
        {
            return;
        }

        if ((_localities[workload.Locality] = _localities.GetValueOrDefault(workload.Locality) + count) == 0)
        {
            _localities.Remove(workload.Locality);
        }

        Locality locality = _localities.Keys.FirstOrDefault(Locality.Unknown);
        changes.Locality |= locality != Locality;
        Locality = locality;
    }

    private static bool BestService(Service candidate, Service other) =>
        candidate.Canonical != other.Canonical
            ? candidate.Canonical
            : string.CompareOrdinal(candidate.Key, other.Key) < 0;

    private static bool BestWorkload(Workload candidate, Workload other) =>
        candidate.Healthy != other.Healthy
            ? candidate.Healthy
            : string.CompareOrdinal(candidate.Uid, other.Uid) < 0;
}
