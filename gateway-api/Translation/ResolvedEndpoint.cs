using System.Net;
using Waypoint.GatewayApi.Inventory;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Translation;

/// <summary>One address of a service's port. <see cref="Pod"/> is null for an address that a handwritten EndpointSlice adds.</summary>
internal readonly record struct ResolvedEndpoint(IPAddress Address, int Port, bool Ready, Pod? Pod, Locality Locality);

/// <summary>Who answers at a service's port: its EndpointSlices if it has any, else the pods of its selector.</summary>
internal sealed class EndpointResolver(ObjectInventory inventory)
{
    public List<ResolvedEndpoint> Resolve(Service service, ServicePort port)
    {
        List<ResolvedEndpoint> endpoints = [];
        if (inventory.Slices(service.Id) is { Count: > 0 } slices)
        {
            foreach (EndpointSlice slice in slices)
            {
                AddSlice(endpoints, service, port, slice);
            }

            return endpoints;
        }

        foreach (Pod pod in inventory.SelectedPods(service))
        {
            if (pod.Live && TargetPort(pod, port) is { } number)
            {
                AddPod(endpoints, service, pod, number, pod.Ready);
            }
        }

        return endpoints;
    }

    /// <summary>The number behind a target port, which each pod may give another; null when the pod has no port of that name.</summary>
    public static int? TargetPort(Pod pod, ServicePort port)
    {
        if (port.TargetPort.Name is not { } name)
        {
            return port.TargetPort.Number;
        }

        foreach (ContainerPort named in pod.NamedPorts)
        {
            if (named.Name == name)
            {
                return named.Port;
            }
        }

        return null;
    }

    public Locality LocalityOf(string node) => node.Length > 0 ? inventory.Node(node)?.Locality ?? Locality.None : Locality.None;

    private void AddSlice(List<ResolvedEndpoint> endpoints, Service service, ServicePort port, EndpointSlice slice)
    {
        EndpointPort? target = slice.Ports.FirstOrDefault(candidate => candidate.Name == port.Name);
        if (target is null)
        {
            return;
        }

        foreach (SliceEndpoint endpoint in slice.Endpoints)
        {
            bool ready = endpoint.Ready || service.PublishNotReadyAddresses;
            Pod? pod = endpoint.Pod is { } id ? inventory.Pod(id) : null;
            Locality locality = LocalityOf(endpoint.NodeName);
            if (locality.IsNone && endpoint.Zone.Length > 0)
            {
                locality = locality with { Zone = endpoint.Zone };
            }

            foreach (IPAddress address in endpoint.Addresses)
            {
                endpoints.Add(new ResolvedEndpoint(address, target.Port, ready, pod, locality));
            }
        }
    }

    private void AddPod(List<ResolvedEndpoint> endpoints, Service service, Pod pod, int port, bool ready)
    {
        Locality locality = LocalityOf(pod.NodeName);
        foreach (IPAddress address in pod.Addresses)
        {
            // A pod may have an address of each family; a service has endpoints of the families of its own addresses.
            if (service.ClusterIPs.IsEmpty ? address.Equals(pod.Addresses[0]) : service.ClusterIPs.Any(own => own.AddressFamily == address.AddressFamily))
            {
                endpoints.Add(new ResolvedEndpoint(address, port, ready || service.PublishNotReadyAddresses, pod, locality));
            }
        }
    }
}
