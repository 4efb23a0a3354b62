using System.Net;
using System.Net.Sockets;
using Waypoint.GatewayApi.Inventory;
using Waypoint.GatewayApi.Model;
using Wds = Istio.Workload;

namespace Waypoint.GatewayApi.Translation;

/// <summary>Services as WDS tells nodes of them.</summary>
internal sealed class ServiceTranslation(WaypointBinding binding, MeshSettings mesh)
{
    public static Wds.GatewayAddress Waypoint(NamespacedName gateway, MeshSettings mesh) => new()
    {
        Hostname = new Wds.NamespacedHostname { Namespace = gateway.Namespace, Hostname = ResourceNames.Hostname(gateway, mesh) },
        HboneMtlsPort = WellKnown.HbonePort,
    };

    public Wds.Service Translate(Service service)
    {
        Wds.Service translated = new()
        {
            Name = service.Name,
            Namespace = service.Namespace,
            Hostname = ResourceNames.Hostname(service.Id, mesh),
            Canonical = true,
            IpFamilies = Families(service),
            LoadBalancing = LoadBalancing(service),
            Waypoint = binding.Of(service) is { } waypoint ? Waypoint(waypoint, mesh) : null,
        };
        foreach (IPAddress address in service.ClusterIPs)
        {
            translated.Addresses.Add(new Wds.NetworkAddress { Network = mesh.Network, Address = WorkloadTranslation.ToBytes(address) });
        }

        foreach (ServicePort port in service.Ports)
        {
            translated.Ports.Add(new Wds.Port
            {
                ServicePort = (uint)port.Port,
                // 0 where every pod decides for itself.
                TargetPort = port.TargetPort.Name is null ? (uint)port.TargetPort.Number : 0,
                AppProtocol = PortProtocols.Of(port).ToWds(),
            });
        }

        return translated;
    }

    private static Wds.IPFamilies Families(Service service)
    {
        bool four = service.ClusterIPs.Any(address => address.AddressFamily == AddressFamily.InterNetwork);
        bool six = service.ClusterIPs.Any(address => address.AddressFamily == AddressFamily.InterNetworkV6);
        return (four, six) switch
        {
            (true, true) => Wds.IPFamilies.Dual,
            (true, false) => Wds.IPFamilies.Ipv4Only,
            (false, true) => Wds.IPFamilies.Ipv6Only,
            _ => Wds.IPFamilies.Automatic,
        };
    }

    private static Wds.LoadBalancing? LoadBalancing(Service service)
    {
        Wds.LoadBalancing balancing = new();
        if (service.NodeLocal)
        {
            balancing.Mode = Wds.LoadBalancing.Types.Mode.Strict;
            balancing.RoutingPreference.Add(Wds.LoadBalancing.Types.Scope.Node);
        }
        else if (service.TrafficDistribution is "PreferClose" or "PreferSameZone")
        {
            balancing.Mode = Wds.LoadBalancing.Types.Mode.Failover;
            balancing.RoutingPreference.Add(
                [Wds.LoadBalancing.Types.Scope.Network, Wds.LoadBalancing.Types.Scope.Region, Wds.LoadBalancing.Types.Scope.Zone]);
        }
        else if (service.TrafficDistribution is "PreferSameNode")
        {
            balancing.Mode = Wds.LoadBalancing.Types.Mode.Failover;
            balancing.RoutingPreference.Add(
            [
                Wds.LoadBalancing.Types.Scope.Network, Wds.LoadBalancing.Types.Scope.Region, Wds.LoadBalancing.Types.Scope.Zone,
                Wds.LoadBalancing.Types.Scope.Subzone, Wds.LoadBalancing.Types.Scope.Node,
            ]);
        }

        if (service.PublishNotReadyAddresses)
        {
            balancing.HealthPolicy = Wds.LoadBalancing.Types.HealthPolicy.AllowAll;
        }

        return balancing.Equals(new Wds.LoadBalancing()) ? null : balancing;
    }
}
