using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Tests.Translation;

/// <summary>Which of two rules that both match a request comes first.</summary>
public class PrecedenceTests
{
    [Theory]
    [InlineData("an exact path before a longer prefix", "path: {type: Exact, value: /a}", "path: {value: /aaaaaaaa}")]
    [InlineData("a longer prefix before a shorter one", "path: {value: /a/b}", "path: {value: /a}")]
    [InlineData("a prefix is as long as it is without its last slash", "path: {value: /ab}", "path: {value: /a/}")]
    [InlineData("a path before a method", "path: {value: /a}", "method: GET")]
    [InlineData("a method before headers", "method: GET", "headers: [{name: a, value: x}, {name: b, value: x}]")]
    [InlineData("more headers before fewer", "headers: [{name: a, value: x}, {name: b, value: x}]", "headers: [{name: a, value: x}]")]
    [InlineData("headers before query parameters", "headers: [{name: a, value: x}]", "queryParams: [{name: a, value: x}, {name: b, value: x}]")]
    [InlineData("more query parameters before fewer", "queryParams: [{name: a, value: x}, {name: b, value: x}]", "queryParams: [{name: a, value: x}]")]
    [InlineData("anything before nothing", "queryParams: [{name: a, value: x}]", "")]
    [InlineData("a prefix before an expression, as istiod has it", "path: {value: /}", "path: {type: RegularExpression, value: '/long/expression.*'}")]
    [InlineData("a method counts between equal paths", "path: {value: /a}, method: GET", "path: {value: /a}, headers: [{name: a, value: x}, {name: b, value: x}]")]
    public void The_more_specific_match_is_tried_first(string why, string first, string second)
    {
        Assert.NotEmpty(why);
        foreach ((string upper, string lower, string expected) in new[] { (first, second, "upper"), (second, first, "lower") })
        {
            TestMesh mesh = new(TestMesh.Shop, TestMesh.HttpRoute($"- name: upper\n  matches: [{{{upper}}}]\n- name: lower\n  matches: [{{{lower}}}]"));

            Assert.Equal(expected, mesh.Routes()[0].Name);
        }
    }

    [Fact]
    public void Equal_matches_of_a_route_are_tried_in_the_order_of_its_rules()
    {
        TestMesh mesh = new(TestMesh.Shop, TestMesh.HttpRoute("- name: b\n  matches: [{path: {value: /x}}, {path: {value: /z}}]\n- name: a\n  matches: [{path: {value: /q}}]"));

        Assert.Equal(["/x", "/z", "/q"], mesh.Routes().Select(route => route.Match.PathSeparatedPrefix));
    }

    [Fact]
    public void Equal_matches_of_two_routes_are_tried_by_age_and_then_by_name()
    {
        TestMesh mesh = new(
            TestMesh.Shop,
            TestMesh.HttpRoute("- name: from-b", "b"),
            TestMesh.HttpRoute("- name: from-a", "a"),
            TestMesh.HttpRoute("- name: from-old", "z").Replace("namespace: shop}", "namespace: shop, creationTimestamp: \"2020-01-01T00:00:00Z\"}", StringComparison.Ordinal));

        Assert.Equal(["from-old", "from-a", "from-b"], mesh.Routes().Select(route => route.Name));
    }

    [Fact]
    public void Routes_of_one_port_and_of_all_ports_are_merged_by_precedence()
    {
        TestMesh mesh = new(
            TestMesh.Shop,
            TestMesh.HttpRoute("- name: port-long\n  matches: [{path: {value: /long/one}}]\n- name: port-short\n  matches: [{path: {value: /s}}]", "a"),
            TestMesh.HttpRoute("- name: all\n  matches: [{path: {value: /medium}}]", "b", "name: echo"));

        Assert.Equal(["port-long", "all", "port-short"], mesh.Routes().Select(route => route.Name));
        Assert.Equal(["all"], mesh.Routes(port: 9999).Select(route => route.Name));
    }

    [Fact]
    public void A_gRPC_method_is_tried_before_its_service_and_before_everything_else()
    {
        TestMesh mesh = new(TestMesh.Shop, """
            apiVersion: gateway.networking.k8s.io/v1
            kind: GRPCRoute
            metadata: {name: grpc, namespace: shop}
            spec:
              parentRefs: [{group: "", kind: Service, name: echo, port: 80}]
              rules:
              - {name: rest}
              - {name: headers, matches: [{headers: [{name: a, value: x}]}]}
              - {name: method, matches: [{method: {method: M}}]}
              - {name: regex, matches: [{method: {type: RegularExpression, service: "a.*", method: "M.*"}}]}
              - {name: service, matches: [{method: {service: a.B}}]}
              - {name: both, matches: [{method: {service: a.B, method: M}}]}
            """);

        Assert.Equal(["both", "service", "method", "regex", "headers", "rest"], mesh.Routes().Select(route => route.Name));
        Assert.Equal("/a.B/M", mesh.Routes()[0].Match.Path);
        Assert.Equal("/a.B", mesh.Routes()[1].Match.PathSeparatedPrefix);
        Assert.Equal("/a.*/M.*", mesh.Routes()[3].Match.SafeRegex.Regex);
        Assert.Equal("/[^/]+/M", mesh.Routes()[2].Match.SafeRegex.Regex);
        Assert.Equal(ObjectKind.GRPCRoute, mesh.Status("grpc").Route.Kind);
    }
}
