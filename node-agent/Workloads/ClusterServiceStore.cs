using System.Diagnostics.CodeAnalysis;

namespace Waypoint.NodeAgent.Workloads;

/// <summary>
/// What the Kubernetes API says of services, where the node has no kube-proxy; else empty. For an address that the control plane of the mesh
/// knows too, its word counts. Not thread-safe; one writer owns it.
/// </summary>
internal sealed class ClusterServiceStore
{
    private readonly Dictionary<string, ClusterService> _services = [];
    private readonly AddressIndex<ClusterService> _byAddress = new((candidate, other) => string.CompareOrdinal(candidate.Key, other.Key) < 0);
    private InheritedAddresses _inherited = InheritedAddresses.None;

    public IReadOnlyDictionary<string, ClusterService> Services => _services;

    /// <summary>The service that an address stands for; of several the first by name.</summary>
    public bool TryGet(InternetAddress address, [NotNullWhen(true)] out ClusterService? service) => _byAddress.TryGet(address, out service);

    public IReadOnlyList<ClusterService> At(InternetAddress address) => _byAddress.All(address);

    /// <summary>Whether whoever is not enrolled is to be served at this address.</summary>
    public bool IsForAll(InternetAddress address) => _byAddress.TryGet(address, out _) || _inherited.ForAll.Contains(address);

    /// <summary>Whether the address goes through a waypoint in the maps, of which only the control plane of the mesh, still silent, can tell more.</summary>
    public bool IsReserved(InternetAddress address) => _inherited.ThroughWaypoint.Contains(address);

    public void Put(ClusterService service, StoreChanges changes)
    {
        Remove(service.Key, changes);
        _services[service.Key] = service;
        _byAddress.Add(service.Addresses, service);
        changes.Touch(service);
    }

    public void Remove(string key, StoreChanges changes)
    {
        if (_services.Remove(key, out ClusterService? service))
        {
            _byAddress.Remove(service.Addresses, service);
            changes.Touch(service);
        }
    }

    public void Inherit(InheritedAddresses addresses) => _inherited = addresses;

    /// <summary>The control plane of the mesh has spoken: what it does not claim goes through no waypoint.</summary>
    public void ReleaseReserved(StoreChanges changes)
    {
        changes.Addresses.UnionWith(_inherited.ThroughWaypoint);
        _inherited = _inherited with { ThroughWaypoint = InheritedAddresses.None.ThroughWaypoint };
    }

    /// <summary>All services have been told: there are no others.</summary>
    public void ReleaseForAll(StoreChanges changes)
    {
        changes.Addresses.UnionWith(_inherited.ForAll);
        _inherited = _inherited with { ForAll = InheritedAddresses.None.ForAll };
    }
}
