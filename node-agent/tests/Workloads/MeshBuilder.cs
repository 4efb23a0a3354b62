using System.Collections.Immutable;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Tests.Workloads;

/// <summary>Makes small meshes in few words. Everything is in namespace <c>shop</c>.</summary>
internal static class MeshBuilder
{
    public static Node Node { get; } = new("node-1");

    public static string KeyOf(string name) => $"shop/{name}.shop.svc.cluster.local";

    public static string UidOf(string name) => $"Kubernetes//Pod/shop/{name}";

    public static Service Service(string name, string address, params ServicePort[] ports) =>
        Service(name, [address], ports);

    public static Service Service(string name, string[] addresses, params ServicePort[] ports) => new()
    {
        Name = name,
        Namespace = "shop",
        Hostname = $"{name}.shop.svc.cluster.local",
        Addresses = [.. addresses.Select(InternetAddress.Parse)],
        Ports = [.. ports],
        Canonical = true,
    };

    public static Service Through(this Service service, string waypoint) =>
        service with { Waypoint = WaypointReference.ToService(KeyOf(waypoint)) };

    public static ServicePort Port(ushort port, ushort target) => new(port, target);

    public static Workload Workload(string name, string address, params string[] services) => Workload(name, [address], services);

    public static Workload Workload(string name, string[] addresses, params string[] services) => new()
    {
        Uid = UidOf(name),
        Name = name,
        Namespace = "shop",
        Node = Node.Name,
        ClusterId = "Kubernetes",
        Addresses = [.. addresses.Select(InternetAddress.Parse)],
        Services = [.. services.Select(service => new ServiceMembership(KeyOf(service), []))],
    };

    public static Workload Through(this Workload workload, string waypoint) =>
        workload with { Waypoint = WaypointReference.ToService(KeyOf(waypoint)) };

    public static Workload WithPorts(this Workload workload, string service, params ServicePort[] ports) =>
        workload with { Services = [new ServiceMembership(KeyOf(service), [.. ports])] };

    public static WorkloadStore Store(params object[] resources)
    {
        var store = new WorkloadStore(Node);
        foreach (object resource in resources)
        {
            store.Put(resource, new StoreChanges());
        }

        return store;
    }

    public static void Put(this WorkloadStore store, object resource, StoreChanges changes)
    {
        switch (resource)
        {
            case Service service:
                store.Put(service, changes);
                break;
            case Workload workload:
                store.Put(workload, changes);
                break;
            default:
                throw new ArgumentException($"{resource} is no resource.", nameof(resource));
        }
    }
}
