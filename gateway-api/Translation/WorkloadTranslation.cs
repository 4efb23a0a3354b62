using System.Net;
using Google.Protobuf;
using Waypoint.GatewayApi.Inventory;
using Waypoint.GatewayApi.Model;
using Wds = Istio.Workload;

namespace Waypoint.GatewayApi.Translation;

/// <summary>Pods, and the bare addresses of handwritten EndpointSlices, as WDS workloads.</summary>
internal sealed class WorkloadTranslation(ObjectInventory inventory, WaypointBinding binding, EndpointResolver endpoints, MeshSettings mesh)
{
    /// <summary>Whether a ztunnel takes the pod's traffic; the CNI plugin writes it on the pod.</summary>
    public static bool TakesHbone(Pod pod) => pod.Metadata.Annotation(WellKnown.Redirection) == "enabled";

    public Wds.Workload Translate(Pod pod)
    {
        string revision = WorkloadNames.CanonicalRevision(pod);
        Wds.Workload workload = new()
        {
            Uid = ResourceNames.PodUid(pod.Id, mesh),
            Name = pod.Name,
            Namespace = pod.Namespace,
            Network = mesh.Network,
            ClusterId = mesh.ClusterId,
            Node = pod.NodeName,
            ServiceAccount = pod.ServiceAccount,
            CanonicalName = WorkloadNames.CanonicalName(pod),
            CanonicalRevision = revision.Length == 0 ? "latest" : revision,
            WorkloadName = WorkloadNames.Workload(pod),
            WorkloadType = Wds.WorkloadType.Pod,
            TunnelProtocol = TakesHbone(pod) ? Wds.TunnelProtocol.Hbone : Wds.TunnelProtocol.None,
            Status = pod.Ready ? Wds.WorkloadStatus.Healthy : Wds.WorkloadStatus.Unhealthy,
            NetworkMode = pod.HostNetwork ? Wds.NetworkMode.HostNetwork : Wds.NetworkMode.Standard,
            Locality = Translate(endpoints.LocalityOf(pod.NodeName)),
            Waypoint = binding.Of(pod) is { } waypoint ? ServiceTranslation.Waypoint(waypoint, mesh) : null,
            ApplicationTunnel = Tunnel(pod),
        };
        workload.Addresses.Add(pod.Addresses.Select(ToBytes));
        AddServices(workload, pod);
        return workload;
    }

    /// <summary>The addresses of a slice that belong to no pod we know.</summary>
    public IEnumerable<Wds.Workload> Translate(EndpointSlice slice)
    {
        Service? service = inventory.Service(slice.Service);
        foreach (SliceEndpoint endpoint in slice.Endpoints)
        {
            if (endpoint.Pod is { } pod && inventory.Pod(pod) is not null)
            {
                continue;
            }

            foreach (IPAddress address in endpoint.Addresses)
            {
                Wds.Workload workload = new()
                {
                    Uid = ResourceNames.SliceUid(slice.Id, address.ToString(), mesh),
                    Name = slice.Name,
                    Namespace = slice.Namespace,
                    Network = mesh.Network,
                    ClusterId = mesh.ClusterId,
                    NetworkMode = Wds.NetworkMode.HostNetwork,
                    Status = endpoint.Ready ? Wds.WorkloadStatus.Healthy : Wds.WorkloadStatus.Unhealthy,
                    Addresses = { ToBytes(address) },
                };
                if (service is not null)
                {
                    AddService(workload, service, SlicePorts(service, slice));
                }

                yield return workload;
            }
        }
    }

    public static ByteString ToBytes(IPAddress address) => ByteString.CopyFrom(address.GetAddressBytes());

    private void AddServices(Wds.Workload workload, Pod pod)
    {
        foreach (Service service in inventory.SelectingServices(pod))
        {
            if (inventory.Slices(service.Id).Count == 0)
            {
                AddService(workload, service, service.Ports.Select(port => (port.Port, EndpointResolver.TargetPort(pod, port))));
            }
        }

        foreach (EndpointSlice slice in inventory.SlicesOf(pod.Id))
        {
            if (inventory.Service(slice.Service) is { } service)
            {
                AddService(workload, service, SlicePorts(service, slice));
            }
        }
    }

    private void AddService(Wds.Workload workload, Service service, IEnumerable<(int Port, int? Target)> ports)
    {
        if (service.ExternalName)
        {
            return;
        }

        Wds.PortList list = new();
        foreach ((int port, int? target) in ports)
        {
            if (target is { } number)
            {
                list.Ports.Add(new Wds.Port { ServicePort = (uint)port, TargetPort = (uint)number });
            }
        }

        if (list.Ports.Count > 0)
        {
            workload.Services[ResourceNames.Address(service.Id, mesh)] = list;
        }
    }

    private static IEnumerable<(int Port, int? Target)> SlicePorts(Service service, EndpointSlice slice) =>
        service.Ports.Select(port => (port.Port, slice.Ports.FirstOrDefault(candidate => candidate.Name == port.Name)?.Port));

    /// <summary>How a waypoint's pods want to be told where a connection was going, if by PROXY protocol.</summary>
    private Wds.ApplicationTunnel? Tunnel(Pod pod)
    {
        if (pod.Metadata.Label(WellKnown.GatewayName) is not { } name || inventory.Gateway(new NamespacedName(pod.Namespace, name)) is not { } gateway)
        {
            return null;
        }

        string? inbound = gateway.Metadata.Annotation(WellKnown.InboundBinding)
            ?? inventory.GatewayClass(gateway.ClassName)?.Metadata.Annotation(WellKnown.InboundBinding);
        string[] parts = (inbound ?? "").Split('/');
        if (parts[0] != "PROXY")
        {
            return null;
        }

        uint port = parts.Length > 1 && ushort.TryParse(parts[1], out ushort number) ? number : 0u;
        return new Wds.ApplicationTunnel { Protocol = Wds.ApplicationTunnel.Types.Protocol.Proxy, Port = port };
    }

    private static Wds.Locality? Translate(Locality locality) =>
        locality.IsNone ? null : new Wds.Locality { Region = locality.Region, Zone = locality.Zone, Subzone = locality.Subzone };
}
