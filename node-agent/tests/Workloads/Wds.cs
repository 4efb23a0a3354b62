using System.Net;
using Google.Protobuf;
using Istio.Workload;

namespace Waypoint.NodeAgent.Tests.Workloads;

/// <summary>Resources as a control plane sends them.</summary>
internal static class Wds
{
    public static KeyValuePair<string, Address> Service(string name, string address, uint port, uint targetPort, string? waypoint = null)
    {
        var service = new Service
        {
            Name = name,
            Namespace = "shop",
            Hostname = $"{name}.shop.svc.cluster.local",
            Addresses = { new NetworkAddress { Address = Bytes(address) } },
            Ports = { new Port { ServicePort = port, TargetPort = targetPort } },
            Canonical = true,
        };
        if (waypoint is not null)
        {
            service.Waypoint = Gateway(waypoint);
        }

        return new(MeshBuilder.KeyOf(name), new Address { Service = service });
    }

    public static KeyValuePair<string, Address> Workload(string name, string address, params string[] services)
    {
        var workload = new Workload
        {
            Uid = MeshBuilder.UidOf(name),
            Name = name,
            Namespace = "shop",
            Addresses = { Bytes(address) },
            ServiceAccount = name,
            WorkloadName = name,
            CanonicalName = name,
            CanonicalRevision = "v1",
            ClusterId = "Kubernetes",
        };
        foreach (string service in services)
        {
            workload.Services.Add(MeshBuilder.KeyOf(service), new PortList());
        }

        return new(workload.Uid, new Address { Workload = workload });
    }

    public static GatewayAddress Gateway(string waypoint) => new()
    {
        Hostname = new NamespacedHostname { Namespace = "shop", Hostname = $"{waypoint}.shop.svc.cluster.local" },
        HboneMtlsPort = 15008,
    };

    public static ByteString Bytes(string address) => ByteString.CopyFrom(IPAddress.Parse(address).GetAddressBytes());

    public static KeyValuePair<string, Address> With(this KeyValuePair<string, Address> resource, Action<Address> change)
    {
        Address copy = resource.Value.Clone();
        change(copy);
        return new(resource.Key, copy);
    }
}
