using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;
using Envoy.Type.Matcher.V3;
using Envoy.Type.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Resilience;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Xds.IstiodShapes;
using DirectResponseAction = Waypoint.Proxy.Routing.DirectResponseAction;
using RedirectAction = Waypoint.Proxy.Routing.RedirectAction;
using RetryPolicy = Envoy.Config.Route.V3.RetryPolicy;
using Route = Waypoint.Proxy.Routing.Route;
using RouteMatch = Envoy.Config.Route.V3.RouteMatch;
using Wire = Envoy.Config.Route.V3;

namespace Waypoint.Proxy.Tests.Xds;

public sealed class RouteTranslationTests
{
    private readonly TranslationScope _scope = new("RouteConfiguration 'test'");

    [Fact]
    public void A_default_route_of_istiod_retries_as_istiod_says_and_never_times_out()
    {
        var route = Route("default", "c");
        route.Route_.RetryPolicy = new RetryPolicy
        {
            RetryOn = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
            NumRetries = 2,
            HostSelectionRetryMaxAttempts = 5,
            RetryHostPredicate = { new RetryPolicy.Types.RetryHostPredicate { Name = "envoy.retry_host_predicates.previous_hosts" } },
        };
        var action = Forward(route);
        Assert.Equal(TimeSpan.Zero, action.Timeout);
        Assert.Equal(503, action.MissingClusterStatus);
        Assert.Equal(
            RetryOn.ConnectFailure | RetryOn.RefusedStream | RetryOn.GrpcUnavailable | RetryOn.GrpcCancelled | RetryOn.RetriableStatusCodes,
            action.Retry!.On);
        Assert.Equal(2, action.Retry.Retries);
        Assert.True(action.Retry.AvoidPreviousHosts);
        Assert.Equal(5, action.Retry.HostSelectionAttempts);
        Assert.Equal(TimeSpan.FromMilliseconds(25), action.Retry.BaseBackOff);
        Assert.Equal(TimeSpan.FromMilliseconds(250), action.Retry.MaxBackOff);
        Assert.Empty(_scope.UnsupportedFeatures);
    }

    [Fact]
    public void Retries_and_timeouts_of_gateway_api_are_kept()
    {
        var route = Route("r", "c");
        route.Route_.Timeout = Seconds(10);
        route.Route_.ClusterNotFoundResponseCode = Wire.RouteAction.Types.ClusterNotFoundResponseCode.InternalServerError;
        route.Route_.RetryPolicy = new RetryPolicy
        {
            RetryOn = "5xx,gateway-error,reset,reset-before-request,retriable-4xx,deadline-exceeded,internal,resource-exhausted,something-new",
            NumRetries = 3,
            PerTryTimeout = Seconds(2),
            RetriableStatusCodes = { 500, 503 },
            RetryBackOff = new RetryPolicy.Types.RetryBackOff { BaseInterval = Seconds(0.1) },
        };
        var action = Forward(route);
        Assert.Equal(TimeSpan.FromSeconds(10), action.Timeout);
        Assert.Equal(500, action.MissingClusterStatus);
        Assert.Equal(TimeSpan.FromSeconds(2), action.Retry!.PerTryTimeout);
        Assert.Equal([500, 503], action.Retry.StatusCodes.Order());
        Assert.Equal(TimeSpan.FromMilliseconds(100), action.Retry.BaseBackOff);
        Assert.Equal(TimeSpan.FromSeconds(1), action.Retry.MaxBackOff);
        Assert.Equal(
            RetryOn.ServerError5xx | RetryOn.GatewayError | RetryOn.Reset | RetryOn.ResetBeforeRequest | RetryOn.Retriable4xx
                | RetryOn.GrpcDeadlineExceeded | RetryOn.GrpcInternal | RetryOn.GrpcResourceExhausted,
            action.Retry.On);
        Assert.Equal("retry_on something-new", Assert.Single(_scope.UnsupportedFeatures).Feature);
    }

    [Fact]
    public void Hash_policies_keep_their_kind_and_order()
    {
        var route = Route("r", "c");
        route.Route_.HashPolicy.AddRange(JsonParser.Default.Parse<Wire.RouteAction>(
            """
            {"hashPolicy": [
              {"header": {"headerName": "x-user"}, "terminal": true},
              {"cookie": {"name": "s", "ttl": "3600s", "path": "/p", "attributes": [{"name": "SameSite", "value": "Strict"}]}},
              {"queryParameter": {"name": "q"}},
              {"connectionProperties": {"sourceIp": true}},
              {"filterState": {"key": "k"}}]}
            """).HashPolicy);
        var policies = Forward(route).HashPolicies;
        Assert.Equal(new HeaderHash("x-user") { IsTerminal = true }, policies[0]);
        var cookie = Assert.IsType<CookieHash>(policies[1]);
        Assert.Equal(("s", TimeSpan.FromHours(1), "/p"), (cookie.Name, cookie.Lifetime, cookie.Path));
        Assert.Equal([KeyValuePair.Create("SameSite", "Strict")], cookie.Attributes);
        Assert.Equal([new QueryHash("q"), new SourceAddressHash()], policies.Skip(2));
        Assert.Equal("hash_policy FilterState", Assert.Single(_scope.UnsupportedFeatures).Feature);
    }

    [Fact]
    public void Without_a_word_about_time_envoys_fifteen_seconds_hold()
    {
        var route = Route("r", "c");
        route.Route_.Timeout = null;
        Assert.Equal(TimeSpan.FromSeconds(15), Forward(route).Timeout);
        Assert.Null(Forward(route).Retry);
    }

    [Fact]
    public void A_weighted_split_keeps_its_weights_and_the_header_changes_of_each_share()
    {
        var route = Route("r", "");
        route.Route_.WeightedClusters = new Wire.WeightedCluster
        {
            Clusters =
            {
                new Wire.WeightedCluster.Types.ClusterWeight { Name = "v1", Weight = 90 },
                new Wire.WeightedCluster.Types.ClusterWeight
                {
                    Name = "v2",
                    Weight = 10,
                    RequestHeadersToAdd = { Header("x-backend", "b", HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd) },
                    ResponseHeadersToRemove = { "x-secret" },
                },
            },
        };
        var shares = Forward(route).Clusters.Shares;
        Assert.Equal([("v1", 90u), ("v2", 10u)], shares.Select(s => (s.Cluster.Name, s.Weight)));
        Assert.True(shares[0].RequestHeaders.IsEmpty);
        Assert.Equal([KeyValuePair.Create("x-backend", "b")], shares[1].RequestHeaders.Add);
        Assert.Equal(["x-secret"], shares[1].ResponseHeaders.Remove);
    }

    [Fact]
    public void Mirrors_keep_their_fraction()
    {
        var route = Route("r", "c");
        route.Route_.RequestMirrorPolicies.Add(new Wire.RouteAction.Types.RequestMirrorPolicy
        {
            Cluster = "m",
            RuntimeFraction = new RuntimeFractionalPercent
            {
                DefaultValue = new FractionalPercent { Numerator = 500_000, Denominator = FractionalPercent.Types.DenominatorType.Million },
            },
        });
        route.Route_.RequestMirrorPolicies.Add(new Wire.RouteAction.Types.RequestMirrorPolicy { Cluster = "all" });
        Assert.Equal(
            [("m", 500_000u, 1_000_000u), ("all", 1u, 1u)],
            Forward(route).Mirrors.Select(m => (m.Cluster.Name, m.Numerator, m.Denominator)));
    }

    [Fact]
    public void Mirrors_of_the_virtual_host_or_the_table_serve_where_the_route_has_none()
    {
        var configuration = Configuration("test", Route("r", "c"), Route("own", "c"));
        configuration.VirtualHosts[0].Routes[1].Route_.RequestMirrorPolicies.Add(new Wire.RouteAction.Types.RequestMirrorPolicy { Cluster = "own" });
        configuration.RequestMirrorPolicies.Add(new Wire.RouteAction.Types.RequestMirrorPolicy { Cluster = "table" });
        Assert.Equal(["table", "own"], Mirrors());
        configuration.VirtualHosts[0].RequestMirrorPolicies.Add(new Wire.RouteAction.Types.RequestMirrorPolicy { Cluster = "host" });
        Assert.Equal(["host", "own"], Mirrors());
        Assert.Empty(_scope.UnsupportedFeatures);

        string[] Mirrors() => [.. Translate(configuration).Routes.Select(r => Assert.Single(Assert.IsType<ForwardAction>(r.Action).Mirrors).Cluster.Name)];
    }

    [Fact]
    public void Headers_of_route_virtual_host_and_table_are_changed_in_that_order()
    {
        var route = Route("r", "c");
        route.RequestHeadersToAdd.Add(Header("x-set", "route", HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd));
        route.RequestHeadersToAdd.Add(Header("x-add", "100%%", HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd));
        route.RequestHeadersToRemove.Add("x-remove");
        var configuration = Configuration("test", route);
        configuration.VirtualHosts[0].RequestHeadersToAdd.Add(Header("x-set", "host", HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd));
        configuration.RequestHeadersToRemove.Add("x-table");

        var headers = Assert.Single(Translate(configuration).Routes).RequestHeaders;
        Assert.Equal(["x-remove", "x-table"], headers.Remove);
        Assert.Equal(["route", "host"], headers.Set.Select(h => h.Value));
        Assert.Equal([KeyValuePair.Create("x-add", "100%")], headers.Add);
    }

    [Theory]
    [InlineData("%REQ(x-b)%", HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd, "Add")]
    [InlineData("a%PROTOCOL%", HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd, "Set")]
    [InlineData("literal", HeaderValueOption.Types.HeaderAppendAction.AddIfAbsent, "AddIfAbsent")]
    [InlineData("literal", HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExists, "SetIfPresent")]
    public void A_header_that_depends_on_the_request_is_made_for_each(string value, HeaderValueOption.Types.HeaderAppendAction append, string action)
    {
        var route = Route("r", "c");
        route.ResponseHeadersToAdd.Add(Header("x-made", value, append));
        var change = Assert.Single(Translated(route).ResponseHeaders.Changes);
        Assert.Equal(("x-made", action), (change.Name, change.Action.ToString()));
        Assert.Empty(_scope.UnsupportedFeatures);
    }

    [Fact]
    public void An_empty_value_is_no_header_unless_it_is_to_be_kept()
    {
        var route = Route("r", "c");
        route.RequestHeadersToAdd.Add(Header("x-none", "", HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd));
        Assert.True(Translated(route).RequestHeaders.IsEmpty);
        route.RequestHeadersToAdd[0].KeepEmptyValue = true;
        Assert.Equal([KeyValuePair.Create("x-none", "")], Translated(route).RequestHeaders.Add);
    }

    [Fact]
    public void A_prefix_rewrite_replaces_what_the_match_covers()
    {
        var route = Route("r", "c", new RouteMatch { PathSeparatedPrefix = "/rewrite" });
        route.Route_.PrefixRewrite = "/to";
        route.Route_.HostRewriteLiteral = "other.example";
        var action = Forward(route);
        Assert.Equal(new ReplacePrefix("/rewrite", "/to"), action.PathRewrite);
        Assert.Equal("other.example", action.HostRewrite);

        route.Match = new RouteMatch { Path = "/exact" };
        Assert.Equal(new ReplaceFullPath("/to"), Forward(route).PathRewrite);
    }

    [Fact]
    public void A_rewrite_of_the_whole_path_by_expression_needs_no_expression()
    {
        var route = Route("r", "c");
        route.Route_.RegexRewrite = new RegexMatchAndSubstitute { Pattern = new RegexMatcher { Regex = "/.*" }, Substitution = "/all" };
        Assert.Equal(new ReplaceFullPath("/all"), Forward(route).PathRewrite);

        route.Route_.RegexRewrite = new RegexMatchAndSubstitute { Pattern = new RegexMatcher { Regex = "/a/(.*)" }, Substitution = @"/b/\1" };
        var regex = Assert.IsType<ReplaceRegex>(Forward(route).PathRewrite);
        Assert.Equal(@"/b/\1", regex.Substitution);
        Assert.Equal("x", regex.Pattern.Match("/a/x").Groups[1].Value);
    }

    [Fact]
    public void A_redirect_keeps_all_its_parts()
    {
        var route = Route("r", "c", new RouteMatch { PathSeparatedPrefix = "/from" });
        route.Redirect = new Wire.RedirectAction
        {
            SchemeRedirect = "https",
            HostRedirect = "other.example",
            PortRedirect = 8443,
            PrefixRewrite = "/to",
            StripQuery = true,
            ResponseCode = Wire.RedirectAction.Types.RedirectResponseCode.PermanentRedirect,
        };
        var redirect = Assert.IsType<RedirectAction>(Translated(route).Action);
        Assert.Equal(
            new RedirectAction(308)
            {
                Scheme = "https",
                Host = "other.example",
                Port = 8443,
                PathRewrite = new ReplacePrefix("/from", "/to"),
                StripQuery = true,
            },
            redirect);

        route.Redirect = new Wire.RedirectAction { PathRedirect = "/there" };
        Assert.Equal(new RedirectAction(301) { PathRewrite = new ReplaceFullPath("/there") }, Translated(route).Action);
    }

    [Fact]
    public void A_direct_response_answers_with_its_body()
    {
        var route = Route("r", "c");
        route.DirectResponse = new Wire.DirectResponseAction { Status = 500, Body = new DataSource { InlineString = "no" } };
        var response = Assert.IsType<DirectResponseAction>(Translated(route).Action);
        Assert.Equal(500, response.Status);
        Assert.Equal("no"u8, response.Body.Span);
    }

    [Fact]
    public void Configuration_of_a_filter_that_is_not_known_is_reported_by_the_filters_name()
    {
        var route = Route("slow", "c");
        route.TypedPerFilterConfig.Add("envoy.filters.http.lua", Any.Pack(new Empty()));
        Translated(route);
        var feature = Assert.Single(_scope.UnsupportedFeatures);
        Assert.Equal("envoy.filters.http.lua", feature.Feature);
        Assert.EndsWith("route 'slow': filter 'envoy.filters.http.lua'", feature.Where, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Unusable => new()
    {
        { """{"match":{},"route":{"cluster":"c"}}""", "match: path_specifier: missing" },
        { """{"route":{"cluster":"c"}}""", "match: missing" },
        { """{"match":{"prefix":"/"}}""", "action: missing, or not supported" },
        { """{"match":{"prefix":"/"},"route":{}}""", "route: cluster_specifier: missing, empty, or not supported" },
        { """{"match":{"prefix":"/"},"route":{"clusterHeader":"x"}}""", "route: cluster_specifier: missing, empty, or not supported" },
        { """{"match":{"prefix":"/"},"route":{"weightedClusters":{"clusters":[{"weight":1}]}}}""", "route: weighted_clusters.clusters.name: empty" },
        { """{"match":{"pathSeparatedPrefix":"/a/"},"route":{"cluster":"c"}}""", "match: path_separated_prefix: '/a/' must begin" },
        { """{"match":{"pathSeparatedPrefix":"a"},"route":{"cluster":"c"}}""", "match: path_separated_prefix: 'a' must begin" },
        { """{"match":{"safeRegex":{"regex":"(?=a)"}},"route":{"cluster":"c"}}""", "match: safe_regex: regular expression '(?=a)': RE2 has no such group" },
        { """{"match":{"connectMatcher":{}},"route":{"cluster":"c"}}""", "match: connect_matcher: not supported" },
        { """{"match":{"prefix":"/","tlsContext":{}},"route":{"cluster":"c"}}""", "match: tls_context: not supported" },
        { """{"match":{"prefix":"/","dynamicMetadata":[{}]},"route":{"cluster":"c"}}""", "match: dynamic_metadata: not supported" },
        { """{"match":{"prefix":"/","headers":[{"name":""}]},"route":{"cluster":"c"}}""", "match: headers.name: empty" },
        { """{"match":{"prefix":"/","headers":[{"name":"x","stringMatch":{}}]},"route":{"cluster":"c"}}""", "match: header 'x': string_match: no match pattern" },
        { """{"match":{"prefix":"/","headers":[{"name":"x","stringMatch":{"safeRegex":{"regex":"["}}}]},"route":{"cluster":"c"}}""", "match: header 'x': string_match.safe_regex: regular expression '['" },
        { """{"match":{"prefix":"/","queryParameters":[{"name":"q","stringMatch":{"safeRegex":{"regex":"\\1"}}}]},"route":{"cluster":"c"}}""", @"match: query parameter 'q': string_match.safe_regex: regular expression '\1'" },
        { """{"match":{"prefix":"/"},"route":{"cluster":"c","timeout":"-1s"}}""", "route: timeout: a duration of -1 s and 0 ns is not valid" },
        { """{"match":{"prefix":"/"},"route":{"cluster":"c","retryPolicy":{"retryBackOff":{"baseInterval":"0s"}}}}""", "route: retry_policy: retry_back_off.base_interval: must be more than 0" },
        { """{"match":{"prefix":"/"},"route":{"cluster":"c","regexRewrite":{"pattern":{"regex":"("}}}}""", "route: regex_rewrite.pattern: regular expression '('" },
        { """{"match":{"prefix":"/"},"route":{"cluster":"c","requestMirrorPolicies":[{}]}}""", "route: request_mirror_policies.cluster: empty" },
        { """{"match":{"prefix":"/"},"directResponse":{"status":99}}""", "direct_response: status: 99 is not a status from 200 to 599" },
        { """{"match":{"prefix":"/"},"directResponse":{"status":200,"body":{"filename":"/etc/passwd"}}}""", "direct_response: body: only inline bodies are supported" },
        { """{"match":{"prefix":"/"},"route":{"cluster":"c"},"requestHeadersToAdd":[{}]}""", "request_headers_to_add: a header without a name" },
        { """{"match":{"prefix":"/"},"route":{"cluster":"c"},"requestHeadersToAdd":[{"header":{"key":"x","value":"%NOTHING%"}}]}""", "request_headers_to_add: 'x': " },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public void What_cannot_be_honoured_is_refused_with_its_place_and_the_reason(string json, string reason)
    {
        var route = JsonParser.Default.Parse<Wire.Route>(json);
        route.Name = "r";
        var error = Assert.Throws<ResourceException>(() => Translate(Configuration("test", route)));
        Assert.Contains($"virtual host 'inbound|http|80': route 'r': {reason}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_domain_that_occurs_twice_is_refused()
    {
        var configuration = Configuration("test", Route("r", "c"));
        configuration.VirtualHosts.Add(configuration.VirtualHosts[0].Clone());
        var error = Assert.Throws<ResourceException>(() => Translate(configuration));
        Assert.EndsWith("virtual_hosts: virtual host 'inbound|http|80': the domain '*' occurs twice", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_virtual_host_without_a_domain_is_refused()
    {
        var configuration = Configuration("test", Route("r", "c"));
        configuration.VirtualHosts[0].Domains.Clear();
        Assert.EndsWith("domains: empty", Assert.Throws<ResourceException>(() => Translate(configuration)).Message, StringComparison.Ordinal);
    }

    private static Duration Seconds(double seconds) => Duration.FromTimeSpan(TimeSpan.FromSeconds(seconds));

    private static HeaderValueOption Header(string name, string value, HeaderValueOption.Types.HeaderAppendAction action) =>
        new() { Header = new HeaderValue { Key = name, Value = value }, AppendAction = action };

    private RouteTable Translate(RouteConfiguration configuration) =>
        new RouteTranslator(name => new ClusterSlot(name), Catalogue.Whole).Translate(configuration, _scope);

    private Route Translated(Wire.Route route) => Assert.Single(Translate(Configuration("test", route)).Routes);

    private ForwardAction Forward(Wire.Route route) => Assert.IsType<ForwardAction>(Translated(route).Action);
}
