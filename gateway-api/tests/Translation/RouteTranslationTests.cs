using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;
using Envoy.Type.V3;

namespace Waypoint.GatewayApi.Tests.Translation;

/// <summary>What each thing that a rule can say becomes.</summary>
public class RouteTranslationTests
{
    private const string DefaultReasons = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

    [Fact]
    public void A_service_without_routes_takes_every_request_itself_and_retries_what_is_safe()
    {
        Route route = new TestMesh(TestMesh.Shop).Routes().Single();

        Assert.Equal("default", route.Name);
        Assert.Equal("inbound-vip|80|http|echo.shop.svc.cluster.local", route.Route_.Cluster);
        Assert.Equal(TimeSpan.Zero, route.Route_.Timeout.ToTimeSpan());
        Assert.Equal(DefaultReasons, route.Route_.RetryPolicy.RetryOn);
        Assert.Equal(2u, route.Route_.RetryPolicy.NumRetries);
        Assert.Equal(5, route.Route_.RetryPolicy.HostSelectionRetryMaxAttempts);
        Assert.Equal("envoy.retry_host_predicates.previous_hosts", route.Route_.RetryPolicy.RetryHostPredicate.Single().Name);
    }

    [Fact]
    public void Weights_become_shares_and_those_of_zero_get_none()
    {
        Route route = One("backendRefs: [{name: echo-v1, port: 80, weight: 90}, {name: echo, port: 80, weight: 0}, {name: echo-v2, port: 80, weight: 10}]");

        Assert.Equal(
            [("inbound-vip|80|http|echo-v1.shop.svc.cluster.local", 90u), ("inbound-vip|80|http|echo-v2.shop.svc.cluster.local", 10u)],
            route.Route_.WeightedClusters.Clusters.Select(share => (share.Name, share.Weight!.Value)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("backendRefs: [{name: echo-v1, port: 80, weight: 0}]")]
    public void Nobody_to_send_to_is_500(string rule) => Assert.Equal(500u, One(rule).DirectResponse.Status);

    [Fact]
    public void A_share_that_leads_nowhere_keeps_its_weight()
    {
        Route route = One("backendRefs: [{name: nosuch, port: 80, weight: 1}, {group: x.io, kind: Bucket, name: z, weight: 2}, {name: echo-v1, port: 80, weight: 7}]");

        Assert.Equal(
            ["inbound-vip|80|http|nosuch.shop.svc.cluster.local", "UnknownService", "inbound-vip|80|http|echo-v1.shop.svc.cluster.local"],
            route.Route_.WeightedClusters.Clusters.Select(share => share.Name));
    }

    [Fact]
    public void Header_changes_keep_their_kind_and_host_goes_its_own_way()
    {
        Route route = One("""
            filters:
            - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Set, value: "100%"}, {name: Host, value: other.example}], add: [{name: x-add, value: a}], remove: [x-gone]}}
            - {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-answer, value: b}]}}
            backendRefs: [{name: echo-v1, port: 80}]
            """);

        Assert.Equal(
            [
                ("x-set", "100%%", HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd),
                ("x-add", "a", HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd),
            ],
            route.RequestHeadersToAdd.Select(option => (option.Header.Key, option.Header.Value, option.AppendAction)));
        Assert.Equal(["x-gone"], route.RequestHeadersToRemove);
        Assert.Equal("x-answer", route.ResponseHeadersToAdd.Single().Header.Key);
        Assert.Equal("other.example", route.Route_.HostRewriteLiteral);
    }

    [Fact]
    public void Header_changes_of_a_backend_are_its_shares_own()
    {
        Route route = One("""
            backendRefs:
            - {name: echo-v1, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-v, value: one}, {name: host, value: v1.example}]}}]}
            - {name: echo-v2, port: 80}
            """);

        Assert.Empty(route.RequestHeadersToAdd);
        Assert.Equal("one", route.Route_.WeightedClusters.Clusters[0].RequestHeadersToAdd.Single().Header.Value);
        Assert.Equal("v1.example", route.Route_.WeightedClusters.Clusters[0].HostRewriteLiteral);
        Assert.Empty(route.Route_.WeightedClusters.Clusters[1].RequestHeadersToAdd);
    }

    [Theory]
    [InlineData("{hostname: a.example}", "a.example", null, 0u, RedirectAction.Types.RedirectResponseCode.Found)]
    [InlineData("{scheme: https, statusCode: 301}", "", "https", 0u, RedirectAction.Types.RedirectResponseCode.MovedPermanently)]
    [InlineData("{scheme: https, port: 443, statusCode: 303}", "", "https", 0u, RedirectAction.Types.RedirectResponseCode.SeeOther)]
    [InlineData("{port: 8080, statusCode: 307}", "", null, 8080u, RedirectAction.Types.RedirectResponseCode.TemporaryRedirect)]
    [InlineData("{scheme: http, port: 443, statusCode: 308}", "", "http", 443u, RedirectAction.Types.RedirectResponseCode.PermanentRedirect)]
    public void A_redirect_says_what_was_asked_and_no_well_known_port(
        string redirect, string host, string? scheme, uint port, RedirectAction.Types.RedirectResponseCode code)
    {
        RedirectAction action = One($"filters: [{{type: RequestRedirect, requestRedirect: {redirect}}}]").Redirect;

        Assert.Equal(host, action.HostRedirect);
        Assert.Equal(scheme, action.HasSchemeRedirect ? action.SchemeRedirect : null);
        Assert.Equal(port, action.PortRedirect);
        Assert.Equal(code, action.ResponseCode);
    }

    [Fact]
    public void A_redirect_from_an_unusual_port_stays_on_it()
    {
        TestMesh mesh = new(TestMesh.Shop, TestMesh.HttpRoute("- filters: [{type: RequestRedirect, requestRedirect: {hostname: a.example}}]", parent: "name: echo, port: 9999"));

        Assert.Equal(9999u, mesh.Routes(port: 9999).Single().Redirect.PortRedirect);
    }

    [Theory]
    [InlineData("/foo", "/xyz", "prefix /xyz")]
    [InlineData("/foo", "/xyz/", "prefix /xyz")]
    [InlineData("/foo/", "/xyz", "prefix /xyz")]
    [InlineData("/foo", "", "regex ^/foo(/?)(.*) to /\\2")]
    [InlineData("/foo", "/", "regex ^/foo(/?)(.*) to /\\2")]
    [InlineData("/a.b", "/", "regex ^/a\\.b(/?)(.*) to /\\2")]
    [InlineData("/", "/xyz", "regex ^/(.*) to /xyz/\\1")]
    [InlineData("/", "/", "nothing")]
    public void A_replaced_prefix_is_replaced_by_path_elements(string prefix, string replacement, string expected)
    {
        Route rewrite = One($"matches: [{{path: {{value: {prefix}}}}}]\nfilters: [{{type: URLRewrite, urlRewrite: {{path: {{type: ReplacePrefixMatch, replacePrefixMatch: \"{replacement}\"}}}}}}]\nbackendRefs: [{{name: echo-v1, port: 80}}]");
        Route redirect = One($"matches: [{{path: {{value: {prefix}}}}}]\nfilters: [{{type: RequestRedirect, requestRedirect: {{path: {{type: ReplacePrefixMatch, replacePrefixMatch: \"{replacement}\"}}}}}}]");

        Assert.Equal(expected, Describe(rewrite.Route_.PrefixRewrite, rewrite.Route_.RegexRewrite));
        Assert.Equal(expected, Describe(redirect.Redirect.PrefixRewrite, redirect.Redirect.RegexRewrite));

        static string Describe(string prefix, Envoy.Type.Matcher.V3.RegexMatchAndSubstitute? regex) =>
            regex is not null ? $"regex {regex.Pattern.Regex} to {regex.Substitution}" : prefix.Length > 0 ? $"prefix {prefix}" : "nothing";
    }

    [Fact]
    public void A_replaced_path_is_taken_literally()
    {
        Route route = One("filters: [{type: URLRewrite, urlRewrite: {hostname: h.example, path: {type: ReplaceFullPath, replaceFullPath: '/a\\1'}}}]\nbackendRefs: [{name: echo-v1, port: 80}]");

        Assert.Equal("/.*", route.Route_.RegexRewrite.Pattern.Regex);
        Assert.Equal("/a\\\\1", route.Route_.RegexRewrite.Substitution);
        Assert.Equal("h.example", route.Route_.HostRewriteLiteral);
    }

    [Theory]
    [InlineData("", 100u, FractionalPercent.Types.DenominatorType.Hundred)]
    [InlineData(", percent: 50", 500_000u, FractionalPercent.Types.DenominatorType.Million)]
    [InlineData(", fraction: {numerator: 1, denominator: 3}", 333_333u, FractionalPercent.Types.DenominatorType.Million)]
    public void A_mirror_gets_its_share(string share, uint numerator, FractionalPercent.Types.DenominatorType denominator)
    {
        var mirror = One($"filters: [{{type: RequestMirror, requestMirror: {{backendRef: {{name: echo-v2, port: 80}}{share}}}}}]\nbackendRefs: [{{name: echo-v1, port: 80}}]").Route_.RequestMirrorPolicies.Single();

        Assert.Equal("inbound-vip|80|http|echo-v2.shop.svc.cluster.local", mirror.Cluster);
        Assert.Equal(new FractionalPercent { Numerator = numerator, Denominator = denominator }, mirror.RuntimeFraction.DefaultValue);
        Assert.True(mirror.DisableShadowHostSuffixAppend);
    }

    [Theory]
    [InlineData("backendRef: {name: nosuch, port: 80}")]
    [InlineData("backendRef: {name: echo-v2, port: 80}, percent: 0")]
    public void A_mirror_to_nobody_is_left_out(string mirror) =>
        Assert.Empty(One($"filters: [{{type: RequestMirror, requestMirror: {{{mirror}}}}}]\nbackendRefs: [{{name: echo-v1, port: 80}}]").Route_.RequestMirrorPolicies);

    [Theory]
    [InlineData("", 0, 0, 2, true)]
    [InlineData("timeouts: {request: 10s}", 10_000, 0, 2, true)]
    [InlineData("timeouts: {backendRequest: 2s}", 2_000, 0, 2, true)]
    [InlineData("timeouts: {request: 10s, backendRequest: 2s}\nretry: {attempts: 3, codes: [500]}", 10_000, 2_000, 3, true)]
    [InlineData("timeouts: {request: 0s, backendRequest: 0s}\nretry: {}", 0, 0, 1, false)]
    public void Timeouts_and_retries_go_together(string rule, int total, int perTry, int retries, bool codes)
    {
        RouteAction action = One(rule + "\nbackendRefs: [{name: echo-v1, port: 80}]").Route_;

        Assert.Equal(TimeSpan.FromMilliseconds(total), action.Timeout.ToTimeSpan());
        Assert.Equal(action.Timeout, action.MaxGrpcTimeout);
        Assert.Equal(TimeSpan.FromMilliseconds(perTry), action.RetryPolicy.PerTryTimeout?.ToTimeSpan() ?? TimeSpan.Zero);
        Assert.Equal((uint)retries, action.RetryPolicy.NumRetries);
        Assert.Equal(codes, action.RetryPolicy.RetryOn.EndsWith("retriable-status-codes", StringComparison.Ordinal));
    }

    [Fact]
    public void Retries_say_which_codes_and_how_fast()
    {
        RetryPolicy policy = One("retry: {attempts: 3, backoff: 100ms, codes: [500, 503]}\nbackendRefs: [{name: echo-v1, port: 80}]").Route_.RetryPolicy;

        Assert.Equal([500u, 503u], policy.RetriableStatusCodes);
        Assert.Equal(TimeSpan.FromMilliseconds(100), policy.RetryBackOff.BaseInterval.ToTimeSpan());
    }

    [Fact]
    public void Zero_attempts_mean_no_retry_at_all() =>
        Assert.Null(One("retry: {attempts: 0}\nbackendRefs: [{name: echo-v1, port: 80}]").Route_.RetryPolicy);

    [Fact]
    public void A_route_is_called_by_its_rule_or_by_its_place()
    {
        TestMesh mesh = new(TestMesh.Shop, TestMesh.HttpRoute("- matches: [{path: {value: /a}}]\n- name: given", "canary"));

        Assert.Equal(["shop.canary.0", "given"], mesh.Routes().Select(route => route.Name));
        Assert.Equal(
            "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/canary",
            mesh.Routes()[0].Metadata.FilterMetadata["istio"].Fields["config"].StringValue);
    }

    [Fact]
    public void A_TCPRoute_shares_connections_out()
    {
        TestMesh mesh = new(TestMesh.Shop, """
            apiVersion: gateway.networking.k8s.io/v1
            kind: TCPRoute
            metadata: {name: tcp, namespace: shop}
            spec:
              parentRefs: [{group: "", kind: Service, name: echo}]
              rules: [{backendRefs: [{name: echo-v1, port: 9090, weight: 3}, {name: echo-v2, port: 80}, {name: nosuch, port: 1, weight: 0}]}]
            """);

        Assert.Equal(
            [("inbound-vip|9090|tcp|echo-v1.shop.svc.cluster.local", 3u), ("inbound-vip|80|http|echo-v2.shop.svc.cluster.local", 1u)],
            mesh.Tcp("inbound-vip|9090|tcp|echo.shop.svc.cluster.local").WeightedClusters.Clusters.Select(share => (share.Name, share.Weight)));
        // The port that says nothing about itself is TCP as far as it is not HTTP.
        Assert.Equal(2, mesh.Tcp("inbound-vip|9999|tcp|echo.shop.svc.cluster.local").WeightedClusters.Clusters.Count);
        Assert.Equal("default", mesh.Routes(port: 9999).Single().Name);
    }

    private static Route One(string rule)
    {
        string lines = string.Join('\n', rule.Split('\n').Select(line => "  " + line));
        return new TestMesh(TestMesh.Shop, TestMesh.HttpRoute("- name: one\n" + lines)).Routes().Single();
    }
}
