using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Workloads;
using Service = Waypoint.NodeAgent.Workloads.Service;

namespace Waypoint.NodeAgent.Intent;

/// <summary>
/// Says what one service, workload, waypoint or pod means to the kernel. Pure: the same store gives the same answer, whatever the way
/// by which it came about. Null means that the kernel need not know of it.
/// </summary>
internal static class IntentCompiler
{
    /// <summary>Where the waypoint takes redirected connections, unless its workloads name a port of their own for the PROXY protocol.</summary>
    public const ushort RedirectPort = 15088;

    private static readonly ImmutableArray<AddressFamily> Families = [AddressFamily.IPv4, AddressFamily.IPv6];

    public static Unit? Compile(WorkloadStore store, UnitKey key) => key.Kind switch
    {
        UnitKind.Service => store.Services.TryGetValue(key.Owner, out Service? service) ? CompileService(store, service) : null,
        UnitKind.Workload => store.Workloads.TryGetValue(key.Owner, out Workload? workload) ? CompileWorkload(store, workload) : null,
        UnitKind.ClusterService => store.Cluster.Services.TryGetValue(key.Owner, out ClusterService? cluster) ? ClusterServiceCompiler.Compile(store, cluster) : null,
        _ => CompileWaypoint(store, WaypointReference.Parse(key.Owner)),
    };

    private static Unit? CompileService(WorkloadStore store, Service service)
    {
        // A workload's own address names that workload, whatever service claims it too, and of several services one has the address.
        ImmutableArray<InternetAddress> addresses = service.Addresses.RemoveAll(address =>
            store.TryGetWorkload(address, out _) || !store.TryGetService(address, out Service? winner) || !ReferenceEquals(winner, service));

        // A connection to a waypoint's own service goes to the waypoint as asked: sent through a waypoint, it would be sent for ever.
        Func<AddressFamily, EntryKey>? waypoint =
            WaypointsServedBy(store, service).Any() ? null
            : !service.WaypointSplit.IsEmpty ? family => EntryKey.WaypointSplit(service.Key, family)
            : service.Waypoint is { } reference ? family => EntryKey.Waypoint(reference, family)
            : null;
        if (addresses.IsEmpty || (waypoint is null && service.LoadBalancing.Mode == LoadBalancingMode.Passthrough))
        {
            return null;
        }

        var entries = ImmutableArray.CreateBuilder<Entry>();
        var frontends = ImmutableArray.CreateBuilder<KeyValuePair<FrontendKey, EntryKey>>();
        foreach (AddressFamily family in Families)
        {
            InternetAddress[] ofFamily = [.. addresses.Where(address => address.Family == family)];
            if (ofFamily.Length == 0)
            {
                continue;
            }

            if (waypoint is not null && !service.WaypointSplit.IsEmpty)
            {
                entries.Add(new Entry(EntryKey.WaypointSplit(service.Key, family), WaypointShares.ToSlots(
                    service.WaypointSplit.Select(share => (SelectInstances(store, share.Waypoint, family), share.Weight)))));
            }

            bool forAll = Array.Exists(ofFamily, store.Cluster.IsForAll);

            // Ports that the service does not declare are the waypoint's to judge.
            IEnumerable<ServicePort> ports = waypoint is null ? service.Ports : service.Ports.Add(default);
            foreach (ServicePort port in ports)
            {
                var entry = new EntryKey(UnitKind.Service, service.Key, port.Port, family);
                ImmutableArray<Backend> endpoints = waypoint is null || (forAll && port.Port != 0)
                    ? Select(store, service.LoadBalancing, family, store.EndpointsOf(service.Key).Values, workload => workload.TargetPort(service.Key, port))
                    : [];
                entries.Add(new Entry(entry, endpoints, waypoint?.Invoke(family), forAll && port.Port != 0));
                frontends.AddRange(ofFamily.Select(address => KeyValuePair.Create(FrontendOf(address, port.Port), entry)));
            }
        }

        return new Unit(entries.DrainToImmutable(), frontends.DrainToImmutable());
    }

    private static Unit? CompileWorkload(WorkloadStore store, Workload workload)
    {
        if (workload.Waypoint is not { } waypoint
            || workload.HostNetwork
            || workload.Network != store.Node.Network
            || WaypointsServedBy(store, workload).Any())
        {
            return null;
        }

        var entries = ImmutableArray.CreateBuilder<Entry>();
        var frontends = ImmutableArray.CreateBuilder<KeyValuePair<FrontendKey, EntryKey>>();
        foreach (AddressFamily family in Families)
        {
            var entry = new EntryKey(UnitKind.Workload, workload.Uid, 0, family);
            int before = frontends.Count;
            frontends.AddRange(workload.Addresses
                .Where(address => address.Family == family && store.TryGetWorkload(address, out Workload? named) && ReferenceEquals(named, workload))
                .Select(address => KeyValuePair.Create(FrontendOf(address, 0), entry)));
            if (frontends.Count > before)
            {
                entries.Add(new Entry(entry, [], EntryKey.Waypoint(waypoint, family)));
            }
        }

        return entries.Count == 0 ? null : new Unit(entries.DrainToImmutable(), frontends.DrainToImmutable());
    }

    /// <summary>The entries of a waypoint exist as soon as something refers to it: with no instance alive they are empty, and connections are refused.</summary>
    private static Unit? CompileWaypoint(WorkloadStore store, WaypointReference reference)
    {
        return store.IsWaypoint(reference)
            ? new Unit([.. Families.Select(family => new Entry(EntryKey.Waypoint(reference, family), SelectInstances(store, reference, family)))], [])
            : null;
    }

    private static ImmutableArray<Backend> SelectInstances(WorkloadStore store, WaypointReference reference, AddressFamily family)
    {
        Service? service = null;
        if (reference.ServiceKey is { } key)
        {
            store.Services.TryGetValue(key, out service);
        }
        else
        {
            store.TryGetService(reference.Address, out service);
        }

        IEnumerable<Workload> instances =
            (reference.ServiceKey ?? service?.Key) is { } serviceKey ? store.EndpointsOf(serviceKey).Values
            : store.TryGetWorkload(reference.Address, out Workload? workload) ? [workload]
            : [];

        return Select(
            store, service?.LoadBalancing ?? LoadBalancing.Default, family, instances,
            instance => instance.ProxyProtocolPort is > 0 and var port ? port : RedirectPort);
    }

    /// <summary>Whether a pod is an instance of a waypoint, and of which.</summary>
    public static PodIntent CompilePod(WorkloadStore store, PodAddresses addresses)
    {
        if (!(addresses.IPv4 is { } ipv4 && store.TryGetWorkload(ipv4, out Workload? workload))
            && !(addresses.IPv6 is { } ipv6 && store.TryGetWorkload(ipv6, out workload)))
        {
            return new PodIntent(addresses, IsWaypoint: false, OwnWaypoint: null);
        }

        WaypointReference? own = WaypointsServedBy(store, workload)
            .OrderBy(reference => reference.ToString(), StringComparer.Ordinal)
            .Cast<WaypointReference?>()
            .FirstOrDefault();
        return new PodIntent(addresses, own is not null || workload.ProxyProtocolPort != 0, own);
    }

    public static FrontendKey FrontendOf(InternetAddress address, ushort port) =>
        new(address.ToKernel(), NetworkPort.From(port), TransportProtocol.Tcp);

    private static ImmutableArray<Backend> Select(
        WorkloadStore store, LoadBalancing loadBalancing, AddressFamily family, IEnumerable<Workload> workloads, Func<Workload, ushort> portOf)
    {
        var selection = new EndpointSelection(store.Node, store.Locality, loadBalancing, family);
        foreach (Workload workload in workloads)
        {
            selection.Offer(workload, portOf(workload));
        }

        // A socket of IPv6 reaches an IPv4 backend as ::ffff:a.b.c.d (unless it asked for IPv6 only), which beats being refused.
        ImmutableArray<Backend> slots = selection.ToSlots();
        return slots.IsEmpty && family == AddressFamily.IPv6
            ? Select(store, loadBalancing, AddressFamily.IPv4, workloads, portOf)
            : slots;
    }

    private static IEnumerable<WaypointReference> WaypointsServedBy(WorkloadStore store, Workload workload)
    {
        foreach (ServiceMembership membership in workload.Services)
        {
            var byName = WaypointReference.ToService(membership.ServiceKey);
            IEnumerable<WaypointReference> served = store.Services.TryGetValue(membership.ServiceKey, out Service? service)
                ? WaypointsServedBy(store, service)
                : store.IsWaypoint(byName) ? [byName] : [];
            foreach (WaypointReference reference in served)
            {
                yield return reference;
            }
        }

        foreach (WaypointReference reference in workload.Addresses.Select(WaypointReference.ToAddress).Where(store.IsWaypoint))
        {
            yield return reference;
        }
    }

    private static IEnumerable<WaypointReference> WaypointsServedBy(WorkloadStore store, Service service) =>
        service.Addresses.Select(WaypointReference.ToAddress)
            .Prepend(WaypointReference.ToService(service.Key))
            .Where(store.IsWaypoint);
}
