using Waypoint.GatewayApi.Validation;

namespace Waypoint.GatewayApi.Tests.Validation;

/// <summary>What a route's status says, and that its traffic agrees with it.</summary>
public class RouteStatusTests
{
    private const string Other = """
        apiVersion: v1
        kind: Service
        metadata: {name: back, namespace: other}
        spec: {clusterIP: 10.96.1.1, selector: {app: back}, ports: [{name: http, port: 80}]}
        """;

    [Fact]
    public void A_route_that_is_right_is_accepted_with_all_references_resolved()
    {
        TestMesh mesh = new(TestMesh.Shop, TestMesh.HttpRoute("- backendRefs: [{name: echo-v1, port: 80}]"));

        Assert.Equal(["Accepted", "ResolvedRefs"], mesh.Status("route").Parents.Single().Conditions.Select(condition => condition.Type));
        Assert.All(mesh.Status("route").Parents.Single().Conditions, condition => Assert.True(condition.Status));
    }

    [Theory]
    [InlineData("name: nosuch", "NoMatchingParent", "Service shop/nosuch does not exist")]
    [InlineData("name: echo, port: 4242", "NoMatchingParent", "Service shop/echo has no port 4242")]
    [InlineData("name: echo, sectionName: nope", "NoMatchingParent", "Service shop/echo has no port named \"nope\"")]
    [InlineData("name: echo, port: 9090", "NoMatchingParent", "no port of Service shop/echo that the route names carries HTTP, by its appProtocol or name")]
    [InlineData("name: headless", "NoMatchingParent", "Service shop/headless has no cluster IP to attach a route to")]
    public void A_parent_that_cannot_be_one_refuses_the_route(string parent, string reason, string message)
    {
        TestMesh mesh = new(
            TestMesh.Shop,
            "apiVersion: v1\nkind: Service\nmetadata: {name: headless, namespace: shop}\nspec: {clusterIP: None, selector: {app: echo}, ports: [{name: http, port: 80}]}",
            TestMesh.HttpRoute("- backendRefs: [{name: echo-v1, port: 80}]", parent: parent));

        Assert.Equal(Condition.NotAccepted(reason, message), mesh.Condition("route", "Accepted"));
        Assert.Equal("default", Assert.Single(mesh.Routes()).Name);
    }

    [Fact]
    public void A_port_may_be_named_by_its_section()
    {
        TestMesh mesh = new(TestMesh.Shop, TestMesh.HttpRoute("- name: here\n  backendRefs: [{name: echo-v1, port: 80}]", parent: "name: echo, sectionName: auto"));

        Assert.Equal("here", mesh.Routes(port: 9999).Single().Name);
        Assert.Equal("default", mesh.Routes().Single().Name);
    }

    [Fact]
    public void A_route_of_another_namespace_is_not_applied_to_everyone()
    {
        TestMesh mesh = new(TestMesh.Shop, """
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: {name: consumer, namespace: other}
            spec:
              parentRefs: [{group: "", kind: Service, name: echo, namespace: shop, port: 80}]
              rules: [{backendRefs: [{name: echo-v2, namespace: shop, port: 80}]}]
            """);

        Assert.Equal("UnsupportedValue", mesh.Condition("consumer", "Accepted")!.Reason);
        Assert.Equal("default", Assert.Single(mesh.Routes()).Name);
    }

    [Theory]
    [InlineData("name: nosuch, port: 80", "BackendNotFound", "spec.rules[0].backendRefs[0]: Service shop/nosuch does not exist", "inbound-vip|80|http|nosuch.shop.svc.cluster.local")]
    [InlineData("name: echo, port: 4242", "BackendNotFound", "spec.rules[0].backendRefs[0]: Service shop/echo has no TCP port 4242", "inbound-vip|4242|http|echo.shop.svc.cluster.local")]
    [InlineData("group: example.com, kind: Bucket, name: b", "InvalidKind", "spec.rules[0].backendRefs[0]: kind Bucket of group example.com cannot be a backend", "UnknownService")]
    [InlineData("name: back, namespace: other, port: 80", "RefNotPermitted", "spec.rules[0].backendRefs[0]: no ReferenceGrant in namespace other lets a HTTPRoute of namespace shop use Service back", "UnknownService")]
    public void A_backend_that_leads_nowhere_is_told_and_its_requests_get_500(string backend, string reason, string message, string cluster)
    {
        TestMesh mesh = new(TestMesh.Shop, Other, TestMesh.HttpRoute($"- backendRefs: [{{{backend}}}]"));

        Assert.Equal(new Condition("ResolvedRefs", false, reason, message), mesh.Condition("route", "ResolvedRefs"));
        Assert.True(mesh.Condition("route", "Accepted")!.Status);
        Assert.Equal(cluster, mesh.Routes().Single().Route_.Cluster);
        Assert.Equal(Envoy.Config.Route.V3.RouteAction.Types.ClusterNotFoundResponseCode.InternalServerError, mesh.Routes().Single().Route_.ClusterNotFoundResponseCode);
        Assert.DoesNotContain(mesh.Clusters(), served => served.Name == cluster);
    }

    [Fact]
    public void A_grant_opens_another_namespace_and_its_end_closes_it()
    {
        const string Grant = """
            apiVersion: gateway.networking.k8s.io/v1beta1
            kind: ReferenceGrant
            metadata: {name: shop, namespace: other}
            spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}], to: [{group: "", kind: Service, name: back}]}
            """;
        TestMesh mesh = new(TestMesh.Shop, Other, TestMesh.HttpRoute("- backendRefs: [{name: back, namespace: other, port: 80}]"), Grant);

        Assert.True(mesh.Condition("route", "ResolvedRefs")!.Status);
        Assert.Equal("outbound|80||back.other.svc.cluster.local", mesh.Routes().Single().Route_.Cluster);
        Assert.Contains(mesh.Clusters(), cluster => cluster.Name == "outbound|80||back.other.svc.cluster.local");

        mesh.Remove(TestMesh.Read(Grant).Single().Key);

        Assert.Equal("RefNotPermitted", mesh.Condition("route", "ResolvedRefs")!.Reason);
        Assert.Equal("UnknownService", mesh.Routes().Single().Route_.Cluster);
        Assert.DoesNotContain(mesh.Clusters(), cluster => cluster.Name.StartsWith("outbound", StringComparison.Ordinal));
    }

    [Fact]
    public void A_filter_that_is_not_supported_answers_500_and_says_so()
    {
        TestMesh mesh = new(TestMesh.Shop, TestMesh.HttpRoute("""
            - name: extended
              filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: Magic, name: m}}]
              matches: [{path: {value: /x}}]
              backendRefs: [{name: echo-v1, port: 80}]
            - name: plain
              backendRefs: [{name: echo-v1, port: 80}]
            """));

        Assert.Equal(
            new Condition("PartiallyInvalid", true, "UnsupportedValue", "Dropped Rule: rule \"extended\" answers 500: filter ExtensionRef is not supported"),
            mesh.Condition("route", "PartiallyInvalid"));
        Assert.Equal(500u, mesh.Routes()[0].DirectResponse.Status);
        Assert.Equal("plain", mesh.Routes()[1].Name);
    }

    [Fact]
    public void A_route_of_nothing_but_unsupported_rules_is_not_accepted()
    {
        TestMesh mesh = new(TestMesh.Shop, TestMesh.HttpRoute("- filters: [{type: ExternalAuth, externalAuth: {protocol: GRPC}}]"));

        Assert.Equal(Condition.NotAccepted("UnsupportedValue", "rule 0 answers 500: filter ExternalAuth is not supported"), mesh.Condition("route", "Accepted"));
        Assert.Equal(500u, mesh.Routes().Single().DirectResponse.Status);
    }

    [Fact]
    public void A_service_behind_no_waypoint_is_told_to_its_routes()
    {
        TestMesh mesh = new(TestMesh.Shop.Replace("istio.io/use-waypoint: waypoint", "istio.io/use-waypoint: nosuch", StringComparison.Ordinal), TestMesh.HttpRoute("- {}"));

        Assert.Equal("the waypoint shop/nosuch does not exist", mesh.Condition("route", "ResolvedWaypoints")!.Message);
    }

    [Fact]
    public void Of_two_TCPRoutes_on_a_port_the_older_wins_and_the_younger_is_told()
    {
        static string Route(string name, string created, string backend) => $$"""
            apiVersion: gateway.networking.k8s.io/v1
            kind: TCPRoute
            metadata: {name: {{name}}, namespace: shop, creationTimestamp: "{{created}}"}
            spec:
              parentRefs: [{group: "", kind: Service, name: echo, port: 9090}]
              rules: [{backendRefs: [{name: {{backend}}, port: 9090}]}]
            """;
        TestMesh mesh = new(TestMesh.Shop, Route("a-younger", "2026-02-01T00:00:00Z", "echo-v1"), Route("b-older", "2026-01-01T00:00:00Z", "echo-v2"));

        Assert.Equal("inbound-vip|9090|tcp|echo-v2.shop.svc.cluster.local", mesh.Tcp("inbound-vip|9090|tcp|echo.shop.svc.cluster.local").Cluster);
        Assert.Equal(Condition.NotAccepted("Conflicted", "port 9090 is taken by the older TCPRoute shop/b-older"), mesh.Condition("a-younger", "Accepted"));

        mesh.Remove(TestMesh.Read(Route("b-older", "2026-01-01T00:00:00Z", "echo-v2")).Single().Key);

        Assert.Equal("inbound-vip|9090|tcp|echo-v1.shop.svc.cluster.local", mesh.Tcp("inbound-vip|9090|tcp|echo.shop.svc.cluster.local").Cluster);
        Assert.True(mesh.Condition("a-younger", "Accepted")!.Status);
    }

    [Fact]
    public void A_gateway_of_another_class_is_left_to_its_own_controller()
    {
        TestMesh mesh = new(
            TestMesh.Shop,
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: shop}\nspec: {gatewayClassName: nginx, listeners: [{name: a, port: 80, protocol: HTTP}]}",
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: route, namespace: shop}\nspec: {parentRefs: [{name: edge}, {name: waypoint}]}");

        Assert.Equal("waypoint", Assert.Single(mesh.Status("route").Parents).Parent.Name);
        Assert.Equal("NoMatchingParent", mesh.Condition("route", "Accepted")!.Reason);
    }
}
