using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Intent;

/// <summary>Says what a service means to the kernel of which the mesh's control plane says nothing, or nothing yet. Pure.</summary>
internal static class ClusterServiceCompiler
{
    public static Unit? Compile(WorkloadStore store, ClusterService service)
    {
        var entries = ImmutableArray.CreateBuilder<Entry>();
        var frontends = ImmutableArray.CreateBuilder<KeyValuePair<FrontendKey, EntryKey>>();
        foreach (InternetAddress address in service.Addresses.Where(address => IsOurs(store, service, address)))
        {
            foreach (ClusterServicePort port in service.Ports)
            {
                var entry = new EntryKey(UnitKind.ClusterService, service.Key, port.Port, address.Family);
                entries.Add(new Entry(entry, Slots(port, address.Family), ForAll: true));
                frontends.Add(KeyValuePair.Create(IntentCompiler.FrontendOf(address, port.Port), entry));
            }
        }

        return entries.Count == 0 ? null : new Unit(entries.DrainToImmutable(), frontends.DrainToImmutable());
    }

    private static bool IsOurs(WorkloadStore store, ClusterService service, InternetAddress address) =>
        !store.TryGetService(address, out _)
        && !store.TryGetWorkload(address, out _)
        && !store.Cluster.IsReserved(address)
        && store.Cluster.TryGet(address, out ClusterService? winner)
        && ReferenceEquals(winner, service);

    private static ImmutableArray<Backend> Slots(ClusterServicePort port, AddressFamily family) =>
    [
        .. port.Endpoints
            .Where(endpoint => endpoint.Address.Family == family)
            .Distinct()
            .OrderBy(endpoint => endpoint.Address)
            .ThenBy(endpoint => endpoint.Port)
            .Select(endpoint => new Backend(endpoint.Address.ToKernel(), NetworkPort.From(endpoint.Port), BackendFlags.None)),
    ];
}
