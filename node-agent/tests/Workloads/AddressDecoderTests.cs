using Google.Protobuf;
using Istio.Workload;
using Waypoint.NodeAgent.Workloads;
using Locality = Waypoint.NodeAgent.Workloads.Locality;
using Service = Waypoint.NodeAgent.Workloads.Service;
using Workload = Waypoint.NodeAgent.Workloads.Workload;

namespace Waypoint.NodeAgent.Tests.Workloads;

public sealed class AddressDecoderTests
{
    private readonly AddressDecoder _decoder = new("");

    [Fact]
    public void A_service_is_read_with_its_addresses_ports_and_waypoint()
    {
        Service service = DecodeService(Wds.Service("echo", "10.96.0.1", 80, 8080, "waypoint"));

        Assert.Equal("shop/echo.shop.svc.cluster.local", service.Key);
        Assert.Equal(InternetAddress.Parse("10.96.0.1"), Assert.Single(service.Addresses));
        Assert.Equal(new ServicePort(80, 8080), Assert.Single(service.Ports));
        Assert.Equal(WaypointReference.ToService("shop/waypoint.shop.svc.cluster.local"), service.Waypoint);
    }

    [Fact]
    public void Addresses_of_other_networks_and_ranges_of_addresses_are_left_out()
    {
        Service service = DecodeService(Wds.Service("echo", "10.96.0.1", 80, 8080).With(address => address.Service.Addresses.Add(
        [
            new NetworkAddress { Network = "elsewhere", Address = Wds.Bytes("10.96.0.2") },
            new NetworkAddress { Address = Wds.Bytes("10.97.0.0"), Length = 16 },
            new NetworkAddress { Address = Wds.Bytes("10.96.0.3"), Length = 32 },
        ])));

        Assert.Equal(["10.96.0.1", "10.96.0.3"], service.Addresses.Select(address => address.ToString()));
    }

    [Fact]
    public void A_port_that_serves_TCP_and_UDP_is_one_port()
    {
        Service service = DecodeService(Wds.Service("dns", "10.96.0.10", 53, 53).With(address =>
            address.Service.Ports.Add(new Port { ServicePort = 53, TargetPort = 53, AppProtocol = AppProtocol.Tcp })));

        Assert.Equal(new ServicePort(53, 53), Assert.Single(service.Ports));
    }

    [Fact]
    public void Weighted_waypoints_count_before_the_one_for_clients_that_know_no_others()
    {
        WaypointReference stable = WaypointReference.ToService("shop/stable.shop.svc.cluster.local");
        WaypointReference canary = WaypointReference.ToService("shop/canary.shop.svc.cluster.local");

        Assert.Equal([(stable, 90u), (canary, 10u)], Decode(90, 10).WaypointSplit.Select(share => (share.Waypoint, share.Weight)));
        Assert.Equal((canary, 0), (Decode(0, 10).Waypoint!.Value, Decode(0, 10).WaypointSplit.Length));
        Assert.Equal((stable, 0), (Decode(0, 0).Waypoint!.Value, Decode(0, 0).WaypointSplit.Length));
        Assert.Equal(
            "weighted_waypoints[0].destination: is missing",
            Assert.Throws<InvalidResourceException>(() => DecodeService(Wds.Service("echo", "10.96.0.1", 80, 8080).With(address =>
                address.Service.WeightedWaypoints.Add(new Istio.Workload.WeightedWaypoint { Weight = 1 })))).Message);

        Service Decode(uint ofStable, uint ofCanary) => DecodeService(Wds.Service("echo", "10.96.0.1", 80, 8080, "stable").With(address => address.Service.WeightedWaypoints.Add(
        [
            new Istio.Workload.WeightedWaypoint { Destination = Wds.Gateway("stable"), Weight = ofStable },
            new Istio.Workload.WeightedWaypoint { Destination = Wds.Gateway("canary"), Weight = ofCanary },
        ])));
    }

    [Fact]
    public void A_workload_is_read_with_all_that_decides_on_it()
    {
        Workload workload = DecodeWorkload(Wds.Workload("a", "10.0.0.1", "echo").With(address =>
        {
            address.Workload.Services[MeshBuilder.KeyOf("echo")].Ports.Add(new Port { ServicePort = 80, TargetPort = 3000 });
            address.Workload.Status = WorkloadStatus.Unhealthy;
            address.Workload.NetworkMode = NetworkMode.HostNetwork;
            address.Workload.Capacity = 7;
            address.Workload.Locality = new Istio.Workload.Locality { Region = "r", Zone = "z", Subzone = "s" };
            address.Workload.ApplicationTunnel = new ApplicationTunnel { Protocol = ApplicationTunnel.Types.Protocol.Proxy };
            address.Workload.Waypoint = new GatewayAddress { Address = new NetworkAddress { Address = Wds.Bytes("10.96.0.9") } };
        }));

        Assert.Equal(3000, workload.TargetPort(MeshBuilder.KeyOf("echo"), new ServicePort(80, 8080)));
        Assert.False(workload.Healthy);
        Assert.True(workload.HostNetwork);
        Assert.Equal(7u, workload.Capacity);
        Assert.Equal(new Locality("r", "z", "s"), workload.Locality);
        Assert.Equal(15088, workload.ProxyProtocolPort);
        Assert.Equal(WaypointReference.ToAddress(InternetAddress.Parse("10.96.0.9")), workload.Waypoint);
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/a", workload.Identity);
    }

    [Fact]
    public void What_cannot_be_used_is_refused_by_its_field()
    {
        KeyValuePair<string, Address> service = Wds.Service("echo", "10.96.0.1", 80, 8080);
        KeyValuePair<string, Address> workload = Wds.Workload("a", "10.0.0.1", "echo");

        Refused(service.With(address => address.Service.Hostname = ""), "hostname: is empty");
        Refused(service.With(address => address.Service.Hostname = "other"), "namespace/hostname: 'shop/other' is not the name of the resource");
        Refused(service.With(address => address.Service.Ports[0].ServicePort = 0), "ports[0].service_port: 0 is no port (1 to 65535)");
        Refused(service.With(address => address.Service.Ports[0].TargetPort = 70000), "ports[0].target_port: 70000 is no port (1 to 65535)");
        Refused(service.With(address => address.Service.Addresses[0].Address = ByteString.CopyFrom(1, 2, 3)), "addresses[0].address: 3 bytes are no IP address (4 or 16)");
        Refused(service.With(address => address.Service.Waypoint = new GatewayAddress()), "waypoint.destination: is neither a hostname nor an address");
        Refused(service.With(address => address.Service.LoadBalancing = new() { Mode = (Istio.Workload.LoadBalancing.Types.Mode)9 }), "load_balancing.mode: 9 is unknown");
        Refused(workload.With(address => address.Workload.Uid = ""), "uid: is empty");
        Refused(workload.With(address => address.Workload.Addresses.Add(ByteString.Empty)), "addresses[1]: 0 bytes are no IP address (4 or 16)");
    }

    private void Refused(KeyValuePair<string, Address> resource, string message)
    {
        InvalidResourceException refusal = Assert.Throws<InvalidResourceException>(() =>
        {
            _ = resource.Value.Service is null ? DecodeWorkload(resource) : (object)DecodeService(resource);
        });
        Assert.Equal((resource.Key, message), (refusal.Resource, refusal.Message));
    }

    private Service DecodeService(KeyValuePair<string, Address> resource) => _decoder.Decode(resource.Key, resource.Value.Service);

    private Workload DecodeWorkload(KeyValuePair<string, Address> resource) => _decoder.Decode(resource.Key, resource.Value.Workload);
}
