using System.Net;
using Envoy.Config.Rbac.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Waypoint.Proxy.Filters.Rbac;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Filters.Rbac;

public sealed class RbacFilterTests
{
    private const string Anybody = """{"any":true}""";
    private static readonly string DenyAdmin = Rules("DENY", """{"urlPath":{"path":{"prefix":"/admin"}}}""", Anybody, "no admin");

    private readonly FilterConfig _config = new();

    [Fact]
    public async Task A_denied_request_gets_Envoys_answer_and_the_policy_is_named_in_its_details()
    {
        var request = Request("/admin/x", DenyAdmin);
        Assert.False(await request.PassesAsync());
        Assert.Equal(403, request.Context.Response.StatusCode);
        Assert.Equal("RBAC: access denied", request.Body);
        Assert.Equal("rbac_access_denied_matched_policy[no_admin]", request.Exchange.Details);
    }

    [Fact]
    public async Task Without_a_policy_that_allows_the_details_say_none()
    {
        var request = Request("/", """{"rules":{}}""");
        Assert.False(await request.PassesAsync());
        Assert.Equal("rbac_access_denied_matched_policy[none]", request.Exchange.Details);
    }

    [Fact]
    public async Task A_grpc_client_is_told_in_its_own_way()
    {
        var request = Request("/admin/x", DenyAdmin).With("content-type", "application/grpc");
        Assert.False(await request.PassesAsync());
        Assert.Equal("7", request.Context.Response.Headers["grpc-status"]);
    }

    [Fact]
    public async Task Rules_on_trial_let_everybody_pass_and_tell_their_verdict()
    {
        var request = Request("/admin", """{"shadowRulesStatPrefix":"istio_ext_authz_",""" + DenyAdmin.Replace("rules", "shadowRules")[1..]);
        Assert.True(await request.PassesAsync());
        Assert.Equal("no admin", Told(request, "istio_ext_authz_shadow_effective_policy_id"));
        Assert.Equal("denied", Told(request, "istio_ext_authz_shadow_engine_result"));

        request = Request("/", """{"shadowRulesStatPrefix":"istio_ext_authz_",""" + DenyAdmin.Replace("rules", "shadowRules")[1..]);
        Assert.True(await request.PassesAsync());
        Assert.Null(Told(request, "istio_ext_authz_shadow_effective_policy_id"));
        Assert.Equal("allowed", Told(request, "istio_ext_authz_shadow_engine_result"));
    }

    [Theory]
    [InlineData("/admin", true)]
    [InlineData("/", false)]
    public async Task An_audit_tells_the_access_log_whether_it_matched(string path, bool matched)
    {
        var request = Request(path, DenyAdmin.Replace("DENY", "LOG"));
        Assert.True(await request.PassesAsync());
        Assert.Equal(matched, request.Exchange.Metadata.Find("envoy.common", ["access_log_hint"])!.GetValue<bool>());
    }

    [Theory]
    [InlineData("""{"matcher":{"name":"new.kind"}}""")]
    [InlineData("""{"uriTemplate":{"name":"new.template"}}""")]
    [InlineData("""{"andRules":{"rules":[{"any":true},{"matcher":{"name":"new.kind"}}]}}""")]
    [InlineData("""{"notRule":{"matcher":{"name":"new.kind"}}}""")]
    [InlineData("""{"notRule":{"notRule":{"matcher":{"name":"new.kind"}}}}""")]
    [InlineData("""{"sourcedMetadata":{"metadataSource":"ROUTE"}}""")]
    [InlineData("""{}""")]
    public async Task A_condition_of_unknown_kind_lets_nobody_pass_whatever_the_action(string permission)
    {
        foreach (var action in new[] { "ALLOW", "DENY" })
        {
            Assert.False(await Request("/", Rules(action, permission, Anybody)).PassesAsync(), action);
        }

        Assert.Equal(2, _config.Unsupported.Count(u => u.StartsWith("RBAC ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("""{"filterState":{"key":"io.istio.another","stringMatch":{"exact":"x"}}}""", "RBAC principal filter_state 'io.istio.another'")]
    [InlineData("""{"custom":{"name":"mtls"}}""", "RBAC principal custom 'mtls'")]
    public async Task A_principal_of_unknown_kind_is_named(string principal, string name)
    {
        foreach (var action in new[] { "ALLOW", "DENY" })
        {
            Assert.False(await Request("/", Rules(action, Anybody, principal)).PassesAsync());
        }

        Assert.Equal([$"{name} (taken as not met)", $"{name} (taken as met)"], _config.Unsupported);
    }

    [Fact]
    public async Task A_condition_with_an_unknown_field_lets_nobody_pass()
    {
        // A header that asks for its value in a way of the future; without the field it would ask for presence alone.
        var permission = new Permission { Header = new HeaderMatcher { Name = "x" } };
        foreach (var action in new[] { RBAC.Types.Action.Allow, RBAC.Types.Action.Deny })
        {
            var bytes = new RBAC { Action = action, Policies = { ["p"] = new Policy { Permissions = { WithUnknownField(permission) }, Principals = { new Principal { Any = true } } } } };
            var filter = _config.Http(new Envoy.Extensions.Filters.Http.Rbac.V3.RBAC { Rules = bytes });
            Assert.False(await new FilteredRequest("GET", "/", "echo", [filter]).With("x", action == RBAC.Types.Action.Allow ? ["1"] : []).PassesAsync(), $"{action}");
        }

        Assert.Equal(
            ["RBAC permission with unknown fields (taken as not met)", "RBAC permission with unknown fields (taken as met)"], _config.Unsupported);

        // Field 99 of the header, a number.
        static Permission WithUnknownField(Permission permission) => new()
        {
            Header = HeaderMatcher.Parser.ParseFrom([.. permission.Header.ToByteArray(), 0x98, 0x06, 0x01]),
        };
    }

    [Theory]
    [InlineData("""{"exact":"é"}""")]
    [InlineData("""{"prefix":"é"}""")]
    [InlineData("""{"suffix":"é"}""")]
    [InlineData("""{"contains":"é"}""")]
    public async Task A_header_is_compared_by_its_bytes(string match)
    {
        var deny = Rules("DENY", "{\"header\":{\"name\":\"x\",\"stringMatch\":" + match + "}}", Anybody);
        Assert.False(await Request("/", deny).With("x", "\u00C3\u00A9").PassesAsync());
        Assert.True(await Request("/", deny).With("x", "\u00E9").PassesAsync());
    }

    [Fact]
    public async Task A_condition_in_an_expression_language_is_not_passed_over()
    {
        foreach (var action in new[] { "ALLOW", "DENY" })
        {
            var config = Rules(action, Anybody, Anybody).Replace("\"principals\"", "\"condition\":{},\"principals\"");
            Assert.False(await Request("/", config).PassesAsync(), action);
        }

        Assert.Equal(["RBAC condition (taken as not met)", "RBAC condition (taken as met)"], _config.Unsupported);
    }

    [Fact]
    public async Task A_matcher_tree_in_place_of_rules_refuses_everybody()
    {
        Assert.False(await Request("/", """{"matcher":{}}""").PassesAsync());
        Assert.Equal(["RBAC matcher (everything is refused)"], _config.Unsupported);
    }

    [Theory]
    [InlineData("header", """{"header":{"name":"x","presentMatch":true}}""")]
    [InlineData("url_path", """{"urlPath":{"path":{"exact":"/"}}}""")]
    public void What_a_connection_does_not_have_makes_its_rules_unusable(string field, string permission)
    {
        var error = Assert.Throws<ResourceException>(() => _config.Network("rbac.v3.RBAC", Rules("ALLOW", permission, Anybody)));
        Assert.Equal($"filter 'test': policy 'p': {field}: a TCP connection has none", error.Message);
    }

    [Fact]
    public void A_range_that_is_none_makes_the_rules_unusable()
    {
        var range = """{"destinationIp":{"addressPrefix":"10.0.0.0","prefixLen":33}}""";
        var error = Assert.Throws<ResourceException>(() => _config.Http("rbac.v3.RBAC", Rules("ALLOW", range, Anybody)));
        Assert.Equal("filter 'test': policy 'p': destination_ip.prefix_len: 33 is more than 32", error.Message);
    }

    [Fact]
    public async Task A_route_may_have_rules_of_its_own_or_none()
    {
        var filter = _config.Http("rbac.v3.RBAC", DenyAdmin);
        Assert.True(await With("""{}""").PassesAsync());
        Assert.False(await With("{\"rbac\":" + DenyAdmin.Replace("/admin", "/") + "}").PassesAsync());

        FilteredRequest With(string route) => new("GET", "/admin", "echo", [filter])
        {
            Route = RouteTo(Forward()) with { FilterSettings = _config.Route("rbac.v3.RBACPerRoute", route) },
        };
    }

    [Fact]
    public async Task A_routes_rules_may_stand_in_a_wrapper()
    {
        var rules = "{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute\",\"rbac\":" + DenyAdmin + "}";
        var request = new FilteredRequest("GET", "/admin", "echo", [_config.Http("rbac.v3.RBAC", "{}")])
        {
            Route = RouteTo(Forward()) with { FilterSettings = _config.Wrapped("{\"config\":" + rules + "}") },
        };
        Assert.False(await request.PassesAsync());
    }

    [Fact]
    public async Task A_nodes_address_is_nobodys_identity()
    {
        var anyIdentity = Rules("ALLOW", Anybody, """{"authenticated":{}}""");
        _config.Mesh.Workloads.Upsert(new Workload { Uid = "1", Addresses = [IPAddress.Parse("192.168.7.7")], SharesNodeAddress = true });
        Assert.False(await Request("/", anyIdentity).PassesAsync());
        _config.Mesh.Workloads.Upsert(new Workload { Uid = "1", Addresses = [IPAddress.Parse("192.168.7.7")] });
        Assert.True(await Request("/", anyIdentity).PassesAsync());
    }

    [Fact]
    public async Task A_proven_identity_counts_more_than_an_address()
    {
        var alice = Rules("ALLOW", Anybody, """{"authenticated":{"principalName":{"suffix":"/sa/alice"}}}""");
        _config.Mesh.Workloads.Upsert(new Workload { Uid = "1", Addresses = [IPAddress.Parse("192.168.7.7")], ServiceAccount = "alice" });
        var filter = _config.Http("rbac.v3.RBAC", alice);
        Assert.True(await new FilteredRequest("GET", "/", "echo", [filter]).PassesAsync());
        Assert.False(await new FilteredRequest("GET", "/", "echo", [filter]) { ClientPrincipal = "spiffe://td/ns/x/sa/bob" }.PassesAsync());
    }

    [Fact]
    public async Task A_denied_connection_says_why()
    {
        var filter = _config.Network("rbac.v3.RBAC", """{"rules":{}}""");
        var chain = new TcpChain("tcp", new WeightedClusters([])) { Filters = [filter] };
        var connection = new TcpConnection(IPEndPoint.Parse("10.96.0.1:9090"), IPEndPoint.Parse("192.168.7.7:1"), null, chain);
        Assert.False(await chain.AdmitAsync(connection));
        Assert.Equal("rbac_access_denied_matched_policy[none]", connection.TerminationDetails);
    }

    [Fact]
    public void A_verdict_allocates_nothing()
    {
        const string Permission = """
            {"andRules":{"rules":[{"header":{"name":":method","stringMatch":{"exact":"GET"}}},{"urlPath":{"path":{"prefix":"/api"}}},
            {"notRule":{"destinationPort":81}},{"destinationIp":{"addressPrefix":"10.96.0.0","prefixLen":16}},
            {"uriTemplate":{"name":"t","typedConfig":{"@type":"type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig","pathTemplate":"/api/*"}}}]}}
            """;
        const string Principal = """
            {"andIds":{"ids":[{"filterState":{"key":"io.istio.peer_principal","stringMatch":{"safeRegex":{"regex":".*/ns/shop/.*"}}}},
            {"header":{"name":"x-role","stringMatch":{"exact":"admin"}}},{"directRemoteIp":{"addressPrefix":"192.168.0.0","prefixLen":16}}]}}
            """;
        _config.Mesh.Workloads.Upsert(new Workload { Uid = "1", Addresses = [IPAddress.Parse("192.168.7.7")], Namespace = "shop" });
        var filter = _config.Http("rbac.v3.RBAC", Rules("ALLOW", Permission, Principal));
        var exchange = new FilteredRequest("GET", "/api/x?q", "echo", [filter]).With("x-role", "admin").Exchange;
        Judge(1000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Judge(1000);

        // Less than the smallest object each; whoever looks at the metrics at the same time may make a few.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);

        void Judge(int times)
        {
            for (var i = 0; i < times; i++)
            {
                var passes = filter.OnRequestAsync(exchange);
                Assert.True(passes.IsCompletedSuccessfully && passes.Result);
            }
        }
    }

    [Fact]
    public async Task Verdicts_are_counted_by_chain_and_policy()
    {
        var rules = DenyAdmin.Replace("no admin", "counted");
        using var counters = new Counters(RbacMetrics.MeterName);
        await Request("/admin", rules).PassesAsync();
        await Request("/admin", rules.Replace("rules", "shadowRules")).PassesAsync();
        Assert.Equal(
            ["waypoint_rbac_denied_total{chain=chain,policy=counted} 1", "waypoint_rbac_shadow_denied_total{chain=chain,policy=counted} 1"],
            counters.All.Where(c => c.Contains("policy=counted", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("/admin/../public", "/public")]
    [InlineData(@"/admin\..\public?q=/admin", "/public?q=/admin")]
    [InlineData("/%70ublic", "/public")]
    public async Task The_path_that_was_judged_is_the_one_that_is_sent(string sent, string received)
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        var chain = ChainOf(RouteTo(Forward(backend.Address)));
        await using var proxy = await StartAsync(new HttpChain
        {
            Name = chain.Name,
            Routes = chain.Routes,
            PathForm = PathForm.Normal,
            Filters = [_config.Http("rbac.v3.RBAC", DenyAdmin)],
        });
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync($"GET {sent} HTTP/1.1\r\nHost: echo\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", await client.ReadMessageAsync());
        Assert.StartsWith($"GET {received} HTTP/1.1\r\n", backend.Request);
    }

    [Theory]
    [InlineData("//admin")]
    [InlineData("/%2Fadmin")]
    [InlineData("/x/%2e%2e%5cadmin")]
    public async Task Slashes_that_the_chain_merges_and_unescapes_do_not_lead_around_a_rule(string path)
    {
        var request = new FilteredRequest("GET", path, "echo", [_config.Http("rbac.v3.RBAC", DenyAdmin)])
        {
            PathForm = PathForm.Normal | PathForm.MergedSlashes | PathForm.UnescapedSlashes,
        };
        Assert.False(await request.PassesAsync());
    }

    [Fact]
    public async Task A_target_with_a_fragment_is_refused()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET /public#/../admin HTTP/1.1\r\nHost: echo\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400", await client.ReadMessageAsync());
    }

    private static string Rules(string action, string permission, string principal, string name = "p") =>
        "{\"rules\":{\"action\":\"" + action + "\",\"policies\":{\"" + name + "\":{\"permissions\":[" + permission + "],\"principals\":[" + principal + "]}}}}";

    private static string? Told(FilteredRequest request, string key) =>
        (string?)request.Exchange.Metadata.Find("envoy.filters.http.rbac", [key]);

    private FilteredRequest Request(string path, string config) => new("GET", path, "echo", [_config.Http("rbac.v3.RBAC", config)]);
}
