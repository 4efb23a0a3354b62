using Google.Protobuf;
using Istio.Workload;
using Waypoint.GatewayApi.Model;
using Waypoint.Xds.Delta;

namespace Waypoint.GatewayApi.Tests.Translation;

/// <summary>Which traffic goes through which waypoint, as nodes and waypoints are told.</summary>
public class WaypointBindingTests
{
    private const string Bound = "waypoint.shop.svc.cluster.local";

    [Theory]
    [InlineData("", "", true, false)]
    [InlineData("istio.io/waypoint-for: service", "", true, false)]
    [InlineData("istio.io/waypoint-for: workload", "", false, true)]
    [InlineData("istio.io/waypoint-for: all", "", true, true)]
    [InlineData("istio.io/waypoint-for: none", "", false, false)]
    [InlineData("istio.io/waypoint-for: all", "istio.io/use-waypoint: none", false, false)]
    [InlineData("istio.io/waypoint-for: all", "istio.io/use-waypoint: nosuch", false, false)]
    public void A_namespaces_label_binds_what_the_waypoint_is_for_and_an_objects_own_label_comes_first(
        string gatewayLabel, string objectLabel, bool service, bool workload)
    {
        string yaml = TestMesh.Shop
            .Replace("kind: Gateway\nmetadata: {name: waypoint, namespace: shop}", $"kind: Gateway\nmetadata: {{name: waypoint, namespace: shop, labels: {{{gatewayLabel}}}}}", StringComparison.Ordinal)
            .Replace("metadata: {name: echo, namespace: shop}", $"metadata: {{name: echo, namespace: shop, labels: {{{objectLabel}}}}}", StringComparison.Ordinal)
            .Replace("labels: {app: echo, version: v1}", objectLabel.Length == 0 ? "labels: {app: echo, version: v1}" : $"labels: {{app: echo, version: v1, {objectLabel}}}", StringComparison.Ordinal);
        TestMesh mesh = new(yaml);

        Assert.Equal(service ? Bound : null, mesh.Service("echo").Waypoint?.Hostname.Hostname);
        Assert.Equal(workload ? Bound : null, mesh.Workload("echo-v1").Waypoint?.Hostname.Hostname);
        Assert.Equal(service ? 15008u : 0u, mesh.Service("echo").Waypoint?.HboneMtlsPort ?? 0);
    }

    [Fact]
    public void Traffic_to_bound_workloads_has_a_branch_of_its_own()
    {
        TestMesh mesh = new(TestMesh.Shop.Replace("kind: Gateway\nmetadata: {name: waypoint, namespace: shop}", "kind: Gateway\nmetadata: {name: waypoint, namespace: shop, labels: {istio.io/waypoint-for: all}}", StringComparison.Ordinal));
        var branches = mesh.Listener().FilterChainMatcher.MatcherTree.CustomMatch.TypedConfig.Unpack<global::Xds.Type.Matcher.V3.IPMatcher>().RangeMatchers;

        Assert.Equal(["10.244.0.11", "10.244.0.12"], branches[^1].Ranges.Select(range => range.AddressPrefix));
        Assert.Equal("direct-tcp", branches[^1].OnMatch.Matcher.OnNoMatch.Action.Name);
        Assert.Equal("direct-http", branches[^1].OnMatch.Matcher.MatcherTree.ExactMatchMap.Map["'h2c'"].Action.Name);
        Assert.Contains(mesh.Clusters(), cluster => cluster.Name == "encap");
        // Nobody knows what a pod's undeclared port carries, so every port is sniffed.
        Assert.Null(mesh.Listener().ListenerFilters.Single(filter => filter.Name.EndsWith("http_inspector", StringComparison.Ordinal)).FilterDisabled);
    }

    [Fact]
    public void A_gateway_without_a_Service_stands_for_it_and_its_pods_are_found_by_label()
    {
        TestMesh mesh = new(TestMesh.Shop, """
            apiVersion: v1
            kind: Pod
            metadata: {name: wp, namespace: shop, labels: {gateway.networking.k8s.io/gateway-name: waypoint}}
            status: {podIP: 10.244.0.2}
            """);

        Assert.Equal(Bound, mesh.Service("waypoint").Hostname);
        Assert.Null(mesh.Service("waypoint").Waypoint);
        Assert.Equal([15021u, 15008u], mesh.Workload("wp").Services["shop/" + Bound].Ports.Select(port => port.ServicePort));
        Assert.Null(mesh.Workload("wp").Waypoint);

        mesh.Apply("apiVersion: v1\nkind: Service\nmetadata: {name: waypoint, namespace: shop}\nspec: {clusterIP: 10.96.0.2, selector: {gateway.networking.k8s.io/gateway-name: waypoint}, ports: [{name: mesh, port: 15008}]}");

        Assert.Equal(ByteString.CopyFrom(10, 96, 0, 2), mesh.Service("waypoint").Addresses.Single().Address);
        Assert.Equal([15008u], mesh.Workload("wp").Services["shop/" + Bound].Ports.Select(port => port.ServicePort));
    }

    [Theory]
    [InlineData("PROXY/15088", ApplicationTunnel.Types.Protocol.Proxy, 15088u)]
    [InlineData("PROXY", ApplicationTunnel.Types.Protocol.Proxy, 0u)]
    [InlineData("NONE", null, 0u)]
    public void A_waypoint_that_wants_PROXY_protocol_says_so_on_its_pods(string annotation, ApplicationTunnel.Types.Protocol? protocol, uint port)
    {
        TestMesh mesh = new(
            TestMesh.Shop.Replace("kind: Gateway\nmetadata: {name: waypoint, namespace: shop}", $"kind: Gateway\nmetadata: {{name: waypoint, namespace: shop, annotations: {{ambient.istio.io/waypoint-inbound-binding: {annotation}}}}}", StringComparison.Ordinal),
            "apiVersion: v1\nkind: Pod\nmetadata: {name: wp, namespace: shop, labels: {gateway.networking.k8s.io/gateway-name: waypoint}}\nstatus: {podIP: 10.244.0.2}");

        Assert.Equal(protocol, mesh.Workload("wp").ApplicationTunnel?.Protocol);
        Assert.Equal(port, mesh.Workload("wp").ApplicationTunnel?.Port ?? 0);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData(", allowedRoutes: {namespaces: {from: All}}", true)]
    [InlineData(", allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: a}}}}", true)]
    [InlineData(", allowedRoutes: {namespaces: {from: Selector, selector: {matchExpressions: [{key: team, operator: NotIn, values: [a]}]}}}", false)]
    public void Another_namespace_may_bind_only_where_the_listener_allows_it(string allowed, bool bound)
    {
        TestMesh mesh = new(
            TestMesh.Shop.Replace("protocol: HBONE", "protocol: HBONE" + allowed, StringComparison.Ordinal),
            """
            apiVersion: v1
            kind: Namespace
            metadata: {name: guest, labels: {team: a, istio.io/use-waypoint: waypoint, istio.io/use-waypoint-namespace: shop}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: visitor, namespace: guest}
            spec: {clusterIP: 10.96.7.7, selector: {app: v}, ports: [{name: http, port: 80}]}
            """);

        Assert.Equal(bound, mesh.Service("visitor").Waypoint is not null);
        Assert.Equal(bound, mesh.Listener().FilterChains.Any(chain => chain.Name.EndsWith("|visitor.guest.svc.cluster.local", StringComparison.Ordinal)));
        Assert.Equal(bound, mesh.Translator.Binding.Problem(mesh.Translator.Inventory.Service(new NamespacedName("guest", "visitor"))!) is null);
    }

    [Fact]
    public void A_service_that_changes_its_waypoint_moves_from_one_listener_to_the_other()
    {
        TestMesh mesh = new(TestMesh.Shop, "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: second, namespace: shop}\nspec: {gatewayClassName: waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}");
        mesh.Apply(TestMesh.Shop.Split("---")[4].Replace("name: echo-v2, namespace: shop", "name: echo-v2, namespace: shop, labels: {istio.io/use-waypoint: second}", StringComparison.Ordinal));

        Assert.DoesNotContain(mesh.Listener().FilterChains, chain => chain.Name.Contains("|echo-v2.", StringComparison.Ordinal));
        Assert.DoesNotContain(mesh.Clusters(), cluster => cluster.Name.Contains("|echo-v2.", StringComparison.Ordinal));
        Assert.Contains(mesh.Listener("waypoint shop/second").FilterChains, chain => chain.Name.Contains("|echo-v2.", StringComparison.Ordinal));
        Assert.Equal("second.shop.svc.cluster.local", mesh.Service("echo-v2").Waypoint.Hostname.Hostname);
    }

    [Fact]
    public void A_gateway_that_goes_takes_its_listener_along_and_frees_its_services()
    {
        TestMesh mesh = new(TestMesh.Shop);
        mesh.Remove(new ObjectKey(ObjectKind.Gateway, "shop", "waypoint"));

        Assert.Null(mesh.Service("echo").Waypoint);
        Assert.Empty(mesh.Store.Collection("waypoint shop/waypoint", ResourceTypes.Listener).Snapshot());
        Assert.Empty(mesh.Clusters());
        Assert.Empty(mesh.Endpoints());
        Assert.DoesNotContain(mesh.Addresses(), address => address.Service?.Name == "waypoint");
    }

    [Fact]
    public void A_waypoint_that_nothing_is_bound_to_is_served_an_empty_listener()
    {
        TestMesh mesh = new(string.Join("---", TestMesh.Shop.Split("---").Skip(1).Take(1)));

        Assert.Equal(["direct-tcp", "direct-http"], mesh.Listener().FilterChains.Select(chain => chain.Name));
    }
}
