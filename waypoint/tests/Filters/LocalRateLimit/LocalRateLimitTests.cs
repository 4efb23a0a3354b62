using Envoy.Config.Route.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Telemetry;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Tests.Xds;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Filters.LocalRateLimit;

public sealed class LocalRateLimitTests
{
    private const string Always = "\"filterEnabled\":{\"defaultValue\":{\"numerator\":100}},\"filterEnforced\":{\"defaultValue\":{\"numerator\":100}}";
    private readonly ManualTime _time = new();
    private readonly FilterConfig _config;

    public LocalRateLimitTests() => _config = new FilterConfig(_time);

    [Fact]
    public async Task Requests_over_the_limit_get_Envoys_answer_until_time_has_passed()
    {
        var filter = Filter(Bucket(2, 1, 60) + ",\"responseHeadersToAdd\":[{\"header\":{\"key\":\"x-limited\",\"value\":\"yes\"}}]");
        Assert.True(await Request(filter).PassesAsync());
        Assert.True(await Request(filter).PassesAsync());
        var limited = Request(filter);
        Assert.False(await limited.PassesAsync());
        Assert.Equal((429, "local_rate_limited"), (limited.Context.Response.StatusCode, limited.Body));
        Assert.Equal("yes", limited.Context.Response.Headers["x-limited"]);
        Assert.Equal((ResponseFlags.RateLimited, "local_rate_limited"), (limited.Exchange.Flags, limited.Exchange.Details));

        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(await Request(filter).PassesAsync());
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(await Request(filter).PassesAsync());
        Assert.False(await Request(filter).PassesAsync());

        _time.Advance(TimeSpan.FromHours(1));
        Assert.True(await Request(filter).PassesAsync());
        Assert.True(await Request(filter).PassesAsync());
        Assert.False(await Request(filter).PassesAsync());
    }

    [Fact]
    public async Task Nothing_is_limited_unless_asked_for()
    {
        var counted = _config.Http("local_ratelimit.v3.LocalRateLimit", "{" + Bucket(1, 1, 60) + "}");
        var shadow = _config.Http(
            "local_ratelimit.v3.LocalRateLimit",
            "{" + Bucket(1, 1, 60) + ",\"filterEnabled\":{\"defaultValue\":{\"numerator\":100}},"
            + "\"requestHeadersToAddWhenNotEnforced\":[{\"header\":{\"key\":\"x-over\",\"value\":\"1\"}}]}");
        for (var i = 0; i < 3; i++)
        {
            var request = Request(shadow);
            Assert.True(await Request(counted).PassesAsync());
            Assert.True(await request.PassesAsync());
            Assert.Equal(i > 0, request.Context.Request.Headers.ContainsKey("x-over"));
        }
    }

    [Theory]
    [InlineData("", "14")]
    [InlineData(",\"rateLimitedAsResourceExhausted\":true", "8")]
    public async Task A_grpc_client_is_told_in_its_own_way(string settings, string status)
    {
        var filter = Filter(Bucket(1, 1, 60) + settings);
        await Request(filter).PassesAsync();
        var limited = Request(filter).With("content-type", "application/grpc");
        Assert.False(await limited.PassesAsync());
        Assert.Equal(status, limited.Context.Response.Headers["grpc-status"]);
    }

    [Theory]
    [InlineData("TooManyRequests", 429)]
    [InlineData("ServiceUnavailable", 503)]
    [InlineData("OK", 429)]
    public async Task The_status_may_be_another_error(string configured, int status)
    {
        var filter = Filter(Bucket(1, 1, 60) + $",\"status\":{{\"code\":\"{configured}\"}}");
        await Request(filter).PassesAsync();
        var limited = Request(filter);
        await limited.PassesAsync();
        Assert.Equal(status, limited.Context.Response.StatusCode);
    }

    [Fact]
    public async Task Requests_that_are_just_so_have_a_limit_of_their_own_and_count_against_the_other_too()
    {
        var filter = Filter(Bucket(4, 1, 60) + Who("bob", 1) + ByHeader);
        Assert.True(await Request(filter).With("x-who", "bob").PassesAsync());
        Assert.False(await Request(filter).With("x-who", "bob").PassesAsync());
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await Request(filter).With("x-who", "al").PassesAsync());
        }

        Assert.False(await Request(filter).PassesAsync());
    }

    [Fact]
    public async Task A_limit_of_their_own_may_stand_in_place_of_the_other()
    {
        var filter = Filter(Bucket(1, 1, 60) + Who("bob", 3) + ByHeader + ",\"alwaysConsumeDefaultTokenBucket\":false");
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await Request(filter).With("x-who", "bob").PassesAsync());
        }

        Assert.False(await Request(filter).With("x-who", "bob").PassesAsync());
        Assert.True(await Request(filter).PassesAsync());
    }

    [Fact]
    public async Task Descriptors_match_whole()
    {
        const string Two = ",\"rateLimits\":[{\"actions\":[{\"genericKey\":{\"descriptorValue\":\"g\"}},{\"remoteAddress\":{}},"
            + "{\"headerValueMatch\":{\"descriptorValue\":\"m\",\"headers\":[{\"name\":\"x-m\",\"presentMatch\":true}]}},"
            + "{\"requestHeaders\":{\"headerName\":\"x-o\",\"descriptorKey\":\"o\",\"skipIfAbsent\":true}}]}]";
        const string Entries = ",\"descriptors\":[{\"entries\":[{\"key\":\"generic_key\",\"value\":\"g\"},{\"key\":\"remote_address\",\"value\":\"192.168.7.7\"},"
            + "{\"key\":\"header_match\",\"value\":\"m\"}],\"tokenBucket\":{\"maxTokens\":1,\"fillInterval\":\"60s\"}}]";
        var filter = Filter(Bucket(100, 1, 60) + Entries + Two);
        Assert.True(await Request(filter).With("x-m", "1").PassesAsync());
        Assert.False(await Request(filter).With("x-m", "1").PassesAsync());
        Assert.True(await Request(filter).With("x-m", "1").With("x-o", "1").PassesAsync());
        Assert.True(await Request(filter).PassesAsync());
    }

    [Theory]
    [InlineData("", "", true)]
    [InlineData("route", "", false)]
    [InlineData("", "host", false)]
    [InlineData("other", "host", true)]
    [InlineData("include", "host", false)]
    public async Task Routes_and_virtual_hosts_say_what_their_requests_are(string route, string host, bool passes)
    {
        var filter = Filter(Bucket(100, 1, 60) + ",\"descriptors\":[{\"entries\":[{\"key\":\"generic_key\",\"value\":\"it\"}],\"tokenBucket\":{\"maxTokens\":1,\"fillInterval\":\"60s\"}}]");
        var scope = new TranslationScope("test");
        var wire = new Envoy.Config.Route.V3.Route { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { Cluster = "c" } };
        if (route.Length > 0)
        {
            wire.Route_.RateLimits.Add(Rule(route == "route" ? "it" : "other"));
            wire.Route_.IncludeVhRateLimits = route == "include";
        }

        var virtualHost = new VirtualHost { Name = "h", Domains = { "*" }, Routes = { wire } };
        if (host.Length > 0)
        {
            virtualHost.RateLimits.Add(Rule("it"));
        }

        var table = new RouteTranslator(name => new ClusterSlot(name), Catalogue.Whole)
            .Translate(new RouteConfiguration { VirtualHosts = { virtualHost } }, scope);
        var found = table.Match(new Tests.Routing.Request().Head);
        Assert.True(await new FilteredRequest("GET", "/", "echo", [filter]) { Route = found }.PassesAsync());
        Assert.Equal(passes, await new FilteredRequest("GET", "/", "echo", [filter]) { Route = found }.PassesAsync());

        static Envoy.Config.Route.V3.RateLimit Rule(string value) => new()
        {
            Actions =
            {
                new Envoy.Config.Route.V3.RateLimit.Types.Action
                {
                    GenericKey = new Envoy.Config.Route.V3.RateLimit.Types.Action.Types.GenericKey { DescriptorValue = value },
                },
            },
        };
    }

    [Fact]
    public async Task A_route_may_have_a_limit_of_its_own()
    {
        var filter = _config.Http("local_ratelimit.v3.LocalRateLimit", "{}");
        Assert.True(await Request(filter).PassesAsync());
        var settings = _config.Route("local_ratelimit.v3.LocalRateLimit", "{" + Bucket(1, 1, 60) + "," + Always + "}");
        Assert.True(await With(settings).PassesAsync());
        Assert.False(await With(settings).PassesAsync());

        FilteredRequest With(RouteFilterSettings said) => new("GET", "/", "echo", [filter])
        {
            Route = RouteTo(Forward()) with { FilterSettings = said },
        };
    }

    [Fact]
    public async Task Each_connection_may_have_limits_of_its_own()
    {
        var filter = Filter(Bucket(1, 1, 60) + ",\"localRateLimitPerDownstreamConnection\":true");
        var one = Request(filter);
        Assert.True(await one.PassesAsync());
        Assert.False(await one.PassesAsync());
        Assert.True(await Request(filter).PassesAsync());
    }

    [Fact]
    public async Task Answers_may_tell_what_is_left()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        var chain = ChainOf(RouteTo(Forward(backend.Address)));
        var filter = Filter(Bucket(2, 1, 60) + ",\"enableXRatelimitHeaders\":\"DRAFT_VERSION_03\"");
        await using var proxy = await StartAsync(new HttpChain { Name = chain.Name, Routes = chain.Routes, Filters = [filter] });
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        foreach (var (status, remaining, reset) in new[] { (200, 1, 0), (200, 0, 60), (429, 0, 60) })
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
            var answer = await client.ReadMessageAsync();
            Assert.StartsWith($"HTTP/1.1 {status}", answer);
            Assert.Contains($"x-ratelimit-limit: 2\r\nx-ratelimit-remaining: {remaining}\r\nx-ratelimit-reset: {reset}\r\n", answer);
        }
    }

    [Theory]
    [InlineData("{\"tokenBucket\":{\"maxTokens\":1,\"fillInterval\":\"0.01s\"}}", "token_bucket.fill_interval: 10 ms is less than 50")]
    [InlineData("{\"tokenBucket\":{\"maxTokens\":0,\"fillInterval\":\"1s\"}}", "token_bucket.max_tokens: must be more than 0")]
    public void A_limit_that_is_none_is_an_error(string config, string error) =>
        Assert.Equal("filter 'test': " + error, Assert.Throws<ResourceException>(() => _config.Http("local_ratelimit.v3.LocalRateLimit", config)).Message);

    [Fact]
    public void What_is_not_supported_is_named()
    {
        Filter(Bucket(1, 1, 60) + ",\"localClusterRateLimit\":{},\"rateLimits\":[{\"actions\":[{\"metadata\":{}}]}]");
        Assert.Equal(["local_cluster_rate_limit", "rate limit action Metadata"], _config.Unsupported);
    }

    private const string ByHeader = ",\"rateLimits\":[{\"actions\":[{\"requestHeaders\":{\"headerName\":\"x-who\",\"descriptorKey\":\"who\"}}]}]";

    private static string Who(string value, int tokens) =>
        ",\"descriptors\":[{\"entries\":[{\"key\":\"who\",\"value\":\"" + value + "\"}],\"tokenBucket\":{\"maxTokens\":" + tokens + ",\"fillInterval\":\"60s\"}}]";

    private static string Bucket(int tokens, int perFill, int seconds) =>
        $"\"tokenBucket\":{{\"maxTokens\":{tokens},\"tokensPerFill\":{perFill},\"fillInterval\":\"{seconds}s\"}}";

    private static FilteredRequest Request(IHttpFilter filter) => new("GET", "/", "echo", [filter]);

    private IHttpFilter Filter(string settings) => _config.Http("local_ratelimit.v3.LocalRateLimit", "{" + settings + "," + Always + "}");
}
