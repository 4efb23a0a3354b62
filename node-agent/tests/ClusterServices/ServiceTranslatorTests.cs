using Waypoint.NodeAgent.ClusterServices;
using Waypoint.NodeAgent.Kubernetes.Model;
using Waypoint.NodeAgent.Workloads;
using Service = Waypoint.NodeAgent.Kubernetes.Model.Service;
using ServicePort = Waypoint.NodeAgent.Kubernetes.Model.ServicePort;

namespace Waypoint.NodeAgent.Tests.ClusterServices;

public sealed class ServiceTranslatorTests
{
    private static readonly Node Node = new("node-1", ReplacesKubeProxy: true);
    private static readonly Service Echo = Make("10.96.0.1");

    [Fact]
    public void Each_port_leads_to_the_endpoints_at_the_port_of_its_name()
    {
        Service service = Make("10.96.0.1", "fd00::96") with
        {
            Spec = Make("10.96.0.1", "fd00::96").Spec with
            {
                Ports = [new ServicePort { Name = "http", Protocol = "TCP", Port = 80 }, new ServicePort { Name = "tls", Protocol = "TCP", Port = 443 }],
            },
        };
        ServiceTranslation translation = ServiceTranslator.Translate(
            service,
            [
                Slice("IPv4", [("http", 8080), ("tls", 8443)], Ready("10.0.0.1"), Ready("10.0.0.2")),
                Slice("IPv6", [("http", 8080)], Ready("fd00::1")),
                Slice("IPv4", [("http", 9090)], Ready("10.0.0.3")),
            ],
            Node);

        Assert.Equal("shop/echo", translation.Service!.Key);
        Assert.Equal(["10.96.0.1", "fd00::96"], translation.Service.Addresses.Select(address => address.ToString()));
        Assert.Equal(
            ["80 -> 10.0.0.1:8080 10.0.0.2:8080 fd00::1:8080 10.0.0.3:9090", "443 -> 10.0.0.1:8443 10.0.0.2:8443"],
            Describe(translation));
        Assert.Empty(translation.Unsupported);
    }

    [Fact]
    public void What_terminates_is_the_last_resort_and_what_does_not_serve_is_none()
    {
        Endpoint leaving = At("10.0.0.1", ready: false, serving: true, terminating: true);
        Endpoint starting = At("10.0.0.2", ready: false, serving: false, terminating: false);
        Endpoint dying = At("10.0.0.3", ready: false, serving: false, terminating: true);
        Endpoint unknown = At("10.0.0.4", null, null, null);

        Assert.Equal(["80 -> 10.0.0.1:8080"], Translate(Echo, leaving, starting, dying));
        Assert.Equal(["80 -> 10.0.0.4:8080"], Translate(Echo, leaving, starting, dying, unknown));
        Assert.Equal(["80 -> "], Translate(Echo, starting, dying));
    }

    [Fact]
    public void A_service_of_local_traffic_has_the_endpoints_of_this_node_only()
    {
        Service local = Echo with { Spec = Echo.Spec with { InternalTrafficPolicy = "Local" } };
        Endpoint here = Ready("10.0.0.1") with { NodeName = "node-1" };
        Endpoint there = Ready("10.0.0.2") with { NodeName = "node-2" };

        Assert.Equal(["80 -> 10.0.0.1:8080"], Translate(local, here, there));
        Assert.Equal(["80 -> "], Translate(local, there));
        Assert.Equal(["80 -> 10.0.0.1:8080 10.0.0.2:8080"], Translate(Echo, here, there));
    }

    [Theory]
    [InlineData("ClusterIP", "None", null)]
    [InlineData("ExternalName", "", null)]
    [InlineData("ClusterIP", "10.96.0.1", "service.kubernetes.io/service-proxy-name")]
    public void What_has_no_cluster_address_or_another_proxy_is_nothing(string type, string address, string? label) => Assert.Same(
        ServiceTranslation.Nothing,
        ServiceTranslator.Translate(
            new Service
            {
                Metadata = new ObjectMeta { Labels = label is null ? null : new Dictionary<string, string> { [label] = "other" } },
                Spec = new ServiceSpec { Type = type, ClusterIPs = address.Length == 0 ? [] : [address], SessionAffinity = "ClientIP" },
            },
            [],
            Node));

    [Fact]
    public void What_is_not_served_is_named()
    {
        Service service = new()
        {
            Metadata = Echo.Metadata,
            Spec = new ServiceSpec
            {
                ClusterIPs = ["10.96.0.1"],
                Ports =
                [
                    new ServicePort { Name = "dns", Protocol = "UDP", Port = 53 },
                    new ServicePort { Name = "dns-tcp", Protocol = "TCP", Port = 53, NodePort = 30053 },
                    new ServicePort { Name = "sctp", Protocol = "SCTP", Port = 54 },
                ],
                SessionAffinity = "ClientIP",
                TrafficDistribution = "PreferClose",
                ExternalIPs = ["192.0.2.1"],
            },
            Status = new ServiceStatus { LoadBalancer = new LoadBalancerStatus { Ingress = [new LoadBalancerIngress { IP = "192.0.2.2" }] } },
        };

        ServiceTranslation translation = ServiceTranslator.Translate(service, [Slice("FQDN", [("dns-tcp", 53)])], Node);

        Assert.Equal(53, Assert.Single(translation.Service!.Ports).Port);
        Assert.Equal(
            [
                "EndpointSlice addressType=FQDN", "spec.externalIPs", "spec.ports[].nodePort", "spec.ports[].protocol=SCTP", "spec.ports[].protocol=UDP",
                "spec.sessionAffinity=ClientIP", "spec.trafficDistribution", "status.loadBalancer.ingress[].ip",
            ],
            translation.Unsupported.Select(feature => feature.Feature).Order(StringComparer.Ordinal));
    }

    internal static Service Make(params string[] addresses) => new()
    {
        Metadata = new ObjectMeta { Name = "echo", Namespace = "shop" },
        Spec = new ServiceSpec { Type = "ClusterIP", ClusterIPs = addresses, Ports = [new ServicePort { Name = "http", Protocol = "TCP", Port = 80 }] },
    };

    internal static EndpointSlice Slice(string addressType, (string Name, ushort Port)[] ports, params Endpoint[] endpoints) => new()
    {
        Metadata = new ObjectMeta
        {
            Name = "echo-1", Namespace = "shop", Labels = new Dictionary<string, string> { [EndpointSlice.ServiceName] = "echo" },
        },
        AddressType = addressType,
        Endpoints = endpoints,
        Ports = [.. ports.Select(port => new EndpointPort { Name = port.Name, Protocol = "TCP", Port = port.Port })],
    };

    internal static Endpoint Ready(string address) => At(address, true, true, false);

    private static Endpoint At(string address, bool? ready, bool? serving, bool? terminating) => new()
    {
        Addresses = [address],
        Conditions = new EndpointConditions { Ready = ready, Serving = serving, Terminating = terminating },
    };

    private static IEnumerable<string> Translate(Service service, params Endpoint[] endpoints) =>
        Describe(ServiceTranslator.Translate(service, [Slice("IPv4", [("http", 8080)], endpoints)], Node));

    private static IEnumerable<string> Describe(ServiceTranslation translation) => translation.Service!.Ports.Select(port =>
        $"{port.Port} -> {string.Join(' ', port.Endpoints.Select(endpoint => $"{endpoint.Address}:{endpoint.Port}"))}");
}
