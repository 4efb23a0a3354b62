using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Tests.Translation;

/// <summary>Who answers at a service's port.</summary>
public class EndpointTests
{
    private const string Cluster = "inbound-vip|80|http|echo.shop.svc.cluster.local";

    [Fact]
    public void The_pods_of_the_selector_answer_at_their_target_port() =>
        Assert.Equal(["10.244.0.11:8080", "10.244.0.12:8080"], Sockets(new TestMesh(TestMesh.Shop), Cluster));

    [Fact]
    public void A_named_target_port_is_each_pods_own()
    {
        TestMesh mesh = new(TestMesh.Shop, Service("named", "{name: http, port: 80, targetPort: web}"), Pod("one", "10.0.0.1", 8001), Pod("two", "10.0.0.2", 8002), """
            apiVersion: v1
            kind: Pod
            metadata: {name: without, namespace: shop, labels: {app: named}}
            status: {podIP: 10.0.0.3}
            """);

        Assert.Equal(["10.0.0.1:8001", "10.0.0.2:8002"], Sockets(mesh, "inbound-vip|80|http|named.shop.svc.cluster.local"));
        Assert.Equal(0u, mesh.Service("named").Ports.Single().TargetPort);
        Assert.Equal(8002u, mesh.Workload("two").Services["shop/named.shop.svc.cluster.local"].Ports.Single().TargetPort);
        Assert.Empty(mesh.Workload("without").Services);

        static string Pod(string name, string address, int port) => $$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: {{name}}, namespace: shop, labels: {app: named} }
            spec: {containers: [{name: c, image: i, ports: [{name: web, containerPort: {{port}} }]}]}
            status: {podIP: {{address}} }
            """;
    }

    [Theory]
    [InlineData("{podIP: 10.0.0.1}", HealthStatus.Healthy)]
    [InlineData("{podIP: 10.0.0.1, conditions: [{type: Ready, status: \"True\"}]}", HealthStatus.Healthy)]
    [InlineData("{podIP: 10.0.0.1, conditions: [{type: Ready, status: \"False\"}]}", HealthStatus.Unhealthy)]
    [InlineData("{podIP: 10.0.0.1, phase: Succeeded}", null)]
    [InlineData("{}", null)]
    public void A_pod_is_ready_unless_it_says_otherwise(string status, HealthStatus? expected)
    {
        TestMesh mesh = new(TestMesh.Shop, Service("alone", "{name: http, port: 80}"), $$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: alone, namespace: shop, labels: {app: alone} }
            status: {{status}}
            """);

        Assert.Equal(expected, Endpoints(mesh, "inbound-vip|80|http|alone.shop.svc.cluster.local").SingleOrDefault()?.HealthStatus);
    }

    [Fact]
    public void Handwritten_slices_take_the_place_of_the_selector()
    {
        TestMesh mesh = new(TestMesh.Shop, """
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: echo-1, namespace: shop, labels: {kubernetes.io/service-name: echo}}
            addressType: IPv4
            ports: [{name: http, port: 9000}]
            endpoints: [{addresses: [192.0.2.7]}, {addresses: [192.0.2.8], conditions: {ready: false}}, {addresses: [10.244.0.11], targetRef: {kind: Pod, name: echo-v1}}]
            """);

        Assert.Equal(["192.0.2.7:9000", "192.0.2.8:9000", "10.244.0.11:9000"], Sockets(mesh, Cluster));
        Assert.Equal(9000u, mesh.Workload("echo-v1").Services["shop/echo.shop.svc.cluster.local"].Ports.Single(port => port.ServicePort == 80).TargetPort);
        Assert.DoesNotContain("shop/echo.shop.svc.cluster.local", mesh.Workload("echo-v2").Services.Keys);
        Assert.Contains(mesh.Addresses(), address => address.Workload?.Uid == "Kubernetes/discovery.k8s.io/EndpointSlice/shop/echo-1/192.0.2.7");

        mesh.Remove(new ObjectKey(ObjectKind.EndpointSlice, "shop", "echo-1"));

        Assert.Equal(["10.244.0.11:8080", "10.244.0.12:8080"], Sockets(mesh, Cluster));
        Assert.DoesNotContain(mesh.Addresses(), address => address.Workload?.Uid.Contains("EndpointSlice", StringComparison.Ordinal) == true);
    }

    [Fact]
    public void Endpoints_are_grouped_by_the_place_of_their_node()
    {
        TestMesh mesh = new(
            TestMesh.Shop.Replace("status: {podIP: 10.244.0.12}", "spec: {nodeName: far}\nstatus: {podIP: 10.244.0.12}", StringComparison.Ordinal),
            "apiVersion: v1\nkind: Node\nmetadata: {name: far, labels: {topology.kubernetes.io/region: r, topology.kubernetes.io/zone: z}}");
        ClusterLoadAssignment assignment = mesh.Endpoints().Single(served => served.ClusterName == Cluster);

        Assert.Equal([("", "", 1u), ("r", "z", 1u)], assignment.Endpoints.Select(group => (group.Locality.Region, group.Locality.Zone, group.LoadBalancingWeight!.Value)).OrderBy(group => group.Region, StringComparer.Ordinal));
        Assert.Equal("z", mesh.Workload("echo-v2").Locality.Zone);
    }

    [Fact]
    public void A_pod_behind_HBONE_is_reached_through_the_proxys_own_tunnel()
    {
        TestMesh mesh = new(TestMesh.Shop.Replace("labels: {app: echo, version: v1}}", "labels: {app: echo, version: v1}, annotations: {ambient.istio.io/redirection: enabled}}", StringComparison.Ordinal));
        LbEndpoint endpoint = Endpoints(mesh, "inbound-vip|80|http|echo-v1.shop.svc.cluster.local").Single();

        Assert.Equal("connect_originate", endpoint.Endpoint.Address.EnvoyInternalAddress.ServerListenerName);
        Assert.Equal("10.244.0.11:8080", endpoint.Endpoint.Address.EnvoyInternalAddress.EndpointId);
        Assert.Equal("10.244.0.11:8080", endpoint.Metadata.FilterMetadata["envoy.filters.listener.original_dst"].Fields["local"].StringValue);
        Assert.Equal("echo-v1;shop;echo;v1;Kubernetes", endpoint.Metadata.FilterMetadata["istio"].Fields["workload"].StringValue);
    }

    [Fact]
    public void A_service_of_two_families_has_endpoints_of_both()
    {
        TestMesh mesh = new(TestMesh.Shop, """
            apiVersion: v1
            kind: Service
            metadata: {name: dual, namespace: shop}
            spec: {clusterIPs: [10.96.0.50, "fd00::50"], selector: {app: dual}, ports: [{name: http, port: 80}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: dual, namespace: shop, labels: {app: dual}}
            status: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: "fd00::1"}]}
            """);

        Assert.Equal(["10.0.0.1:80", "fd00::1:80"], Sockets(mesh, "inbound-vip|80|http|dual.shop.svc.cluster.local"));
        Assert.Equal(Istio.Workload.IPFamilies.Dual, mesh.Service("dual").IpFamilies);
    }

    [Fact]
    public void A_headless_service_can_be_a_backend_and_is_no_destination()
    {
        TestMesh mesh = new(
            TestMesh.Shop,
            "apiVersion: v1\nkind: Service\nmetadata: {name: headless, namespace: shop}\nspec: {clusterIP: None, selector: {app: echo}, ports: [{name: http, port: 80, targetPort: 8080}]}",
            TestMesh.HttpRoute("- backendRefs: [{name: headless, port: 80}]"));

        Assert.Equal("inbound-vip|80|http|headless.shop.svc.cluster.local", mesh.Routes().Single().Route_.Cluster);
        Assert.Equal(2, Endpoints(mesh, "inbound-vip|80|http|headless.shop.svc.cluster.local").Count);
        Assert.DoesNotContain(mesh.Listener().FilterChains, chain => chain.Name.Contains("headless", StringComparison.Ordinal));
    }

    private static string Service(string name, string port) => $$"""
        apiVersion: v1
        kind: Service
        metadata: {name: {{name}}, namespace: shop}
        spec: {clusterIP: 10.96.0.99, selector: {app: {{name}}}, ports: [{{port}}] }
        """;

    private static List<LbEndpoint> Endpoints(TestMesh mesh, string cluster) =>
        [.. mesh.Endpoints().Single(assignment => assignment.ClusterName == cluster).Endpoints.SelectMany(locality => locality.LbEndpoints)];

    private static List<string> Sockets(TestMesh mesh, string cluster) =>
        [.. Endpoints(mesh, cluster).Select(endpoint => $"{endpoint.Endpoint.Address.SocketAddress.Address}:{endpoint.Endpoint.Address.SocketAddress.PortValue}")];
}
