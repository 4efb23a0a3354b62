using System.Collections.Immutable;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Intent;

/// <summary>Keeps a <see cref="MeshIntent"/> in step with a store by compiling again only what a change can have touched.</summary>
internal sealed class IntentBuilder(WorkloadStore store)
{
    private volatile MeshIntent _current = MeshIntent.Empty;

    public MeshIntent Current => _current;

    /// <returns>The units that differ from before, in no particular order.</returns>
    public IReadOnlyList<UnitChange> Update(StoreChanges changes, IReadOnlyDictionary<ulong, PodAddresses> pods)
    {
        ImmutableDictionary<UnitKey, Unit>.Builder units = _current.Units.ToBuilder();
        var differences = new List<UnitChange>();
        foreach (UnitKey key in Affected(changes))
        {
            Unit? before = units.GetValueOrDefault(key);
            Unit? after = IntentCompiler.Compile(store, key);
            if (Equals(before, after))
            {
                continue;
            }

            differences.Add(new UnitChange(key, before, after));
            if (after is null)
            {
                units.Remove(key);
            }
            else
            {
                units[key] = after;
            }
        }

        _current = new MeshIntent(
            units.ToImmutable(),
            pods.ToImmutableDictionary(pod => pod.Key, pod => IntentCompiler.CompilePod(store, pod.Value)));
        return differences;
    }

    private HashSet<UnitKey> Affected(StoreChanges changes)
    {
        var affected = new HashSet<UnitKey>();

        // Everyone who claims an address has a say in who gets it.
        var services = new HashSet<string>(changes.Services);
        foreach (InternetAddress address in changes.Addresses)
        {
            services.UnionWith(store.ServicesAt(address).Select(service => service.Key));
            foreach (Workload workload in store.WorkloadsAt(address))
            {
                affected.Add(new UnitKey(UnitKind.Workload, workload.Uid));
            }

            affected.UnionWith(store.Cluster.At(address).Select(service => new UnitKey(UnitKind.ClusterService, service.Key)));
            affected.Add(UnitOf(WaypointReference.ToAddress(address)));
        }

        // What is named as a waypoint is not redirected itself, and neither are its instances.
        foreach (WaypointReference waypoint in changes.Waypoints)
        {
            affected.Add(UnitOf(waypoint));
            if (waypoint.ServiceKey is { } key)
            {
                services.Add(key);
            }
            else
            {
                services.UnionWith(store.ServicesAt(waypoint.Address).Select(service => service.Key));
                affected.UnionWith(store.WorkloadsAt(waypoint.Address).Select(workload => new UnitKey(UnitKind.Workload, workload.Uid)));
            }
        }

        if (changes.Locality)
        {
            services.UnionWith(store.Services.Values
                .Where(service => service.LoadBalancing.Mode is LoadBalancingMode.Strict or LoadBalancingMode.Failover)
                .Select(service => service.Key));
        }

        foreach (string service in services)
        {
            affected.UnionWith(store.EndpointsOf(service).Values
                .Where(workload => workload.Waypoint is not null)
                .Select(workload => new UnitKey(UnitKind.Workload, workload.Uid)));
        }

        services.UnionWith(changes.Endpoints);
        foreach (string key in services)
        {
            affected.Add(new UnitKey(UnitKind.Service, key));
            affected.Add(UnitOf(WaypointReference.ToService(key)));
            if (store.Services.TryGetValue(key, out Service? service))
            {
                affected.UnionWith(service.Addresses.Select(address => UnitOf(WaypointReference.ToAddress(address))));
            }
        }

        affected.UnionWith(changes.Workloads.Select(uid => new UnitKey(UnitKind.Workload, uid)));
        affected.UnionWith(changes.ClusterServices.Select(key => new UnitKey(UnitKind.ClusterService, key)));

        // What goes through one waypoint refers to it; what goes through several has all their instances.
        affected.UnionWith(store.SplitServices
            .Where(service => service.WaypointSplit.Any(share => affected.Contains(UnitOf(share.Waypoint))))
            .Select(service => new UnitKey(UnitKind.Service, service.Key))
            .ToArray());
        return affected;
    }

    private static UnitKey UnitOf(WaypointReference waypoint) => new(UnitKind.Waypoint, waypoint.ToString());
}
