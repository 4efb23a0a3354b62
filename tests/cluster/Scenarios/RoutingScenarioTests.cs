using Waypoint.Cluster.Tests.Clients;
using Waypoint.TestBed.Traffic;

namespace Waypoint.Cluster.Tests.Scenarios;

/// <summary>Scenarios base, canary, matches, filters, grpc and tcp: Gateway API's routes on the waypoint.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class RoutingScenarioTests(Shop shop)
{
    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Base_each_request_finds_a_backend_of_its_own_and_tells_who_asked(Carrier carrier)
    {
        var client = shop.Client(carrier);
        await client.UntilAsync(a => a.Status == 200, "http://echo:80/");
        var answers = await client.SendAsync("http://echo:80/a?b=c", "--count=40");
        Assert.Equal(40, answers.Count(a => a.Status == 200));
        Assert.Equal(["v1", "v2"], answers.Select(a => a.Version).Distinct().Order());
        Assert.All(answers, a => Assert.Equal("/a?b=c", a.Url));
        Assert.All(answers, a => Assert.StartsWith("echo", a.Host, StringComparison.Ordinal));
        Assert.All(answers, a => Assert.NotNull(a.RequestHeader("X-Request-Id")));
        Assert.All(answers, a => Assert.Equal("istio-envoy", a.Header("Server")));
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Canary_a_tenth_goes_to_v2_and_a_header_decides_alone(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("canary");
        var client = shop.Client(carrier);

        // One answer of v2 says nothing: without the route each second one is.
        await Eventually.TrueAsync(
            async () => (await client.SendAsync("http://echo:80/", "--count=30", "-Hx-canary: always")).Count(a => a.Version == "v2") == 30,
            TimeSpan.FromSeconds(20),
            "thirty of thirty at v2");
        var answers = await client.SendAsync("http://echo:80/", "--count=500");
        Assert.Equal(500, answers.Count(a => a.Status == 200));
        var bounds = BinomialBounds.Of(500, 0.1);
        Assert.InRange(answers.Count(a => a.Version == "v2"), bounds.Low, bounds.High);
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Matches_every_kind_of_match_decides(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("matches");
        var client = shop.Client(carrier);
        await client.UntilAsync(a => a.Status == 404, "http://echo:80/");
        Assert.Equal("v1", (await client.GetAsync("http://echo:80/exact")).Version);
        Assert.Equal(404, (await client.GetAsync("http://echo:80/exact", "--method=POST")).Status);
        Assert.Equal(404, (await client.GetAsync("http://echo:80/exact/more")).Status);
        Assert.Equal("v2", (await client.GetAsync("http://echo:80/prefix/x")).Version);
        Assert.Equal("v2", (await client.GetAsync("http://echo:80/other/x")).Version);
        Assert.Equal(404, (await client.GetAsync("http://echo:80/others")).Status);
        Assert.Equal("v2", (await client.GetAsync("http://echo:80/re/42")).Version);
        Assert.Equal(404, (await client.GetAsync("http://echo:80/re/x")).Status);
        Assert.Equal("v2", (await client.GetAsync("http://echo:80/?q=one&r=abc")).Version);
        Assert.Equal(404, (await client.GetAsync("http://echo:80/?q=one")).Status);
        Assert.Equal("v2", (await client.GetAsync("http://echo:80/", "-Ha: one", "-Hb: xyz")).Version);
        Assert.Equal(404, (await client.GetAsync("http://echo:80/", "-Ha: one")).Status);
        Assert.Equal(500, (await client.GetAsync("http://echo:80/none")).Status);
        Assert.Equal(500, (await client.GetAsync("http://echo:80/missing")).Status);
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Filters_each_does_what_it_says(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("filters");
        var client = shop.Client(carrier);
        var headers = await client.UntilAsync(a => a.RequestHeader("X-Backend") == "b", "http://echo:80/headers", "-Hx-remove: r", "-Hx-set: client", "-Hx-add: client");
        Assert.Equal("s", headers.RequestHeader("X-Set"));
        Assert.Equal(["client", "a"], headers.RequestHeaders("X-Add").SelectMany(v => v.Split(',', StringSplitOptions.TrimEntries)));
        Assert.Null(headers.RequestHeader("X-Remove"));
        Assert.Equal(("s", "a"), (headers.Header("X-Set"), headers.Header("X-Add")));

        var redirect = await client.GetAsync("http://echo:80/redirect/on?q=1");
        Assert.Equal((301, "https://other.example:8443/to/on?q=1"), (redirect.Status, redirect.Header("Location")));

        var rewrite = await client.GetAsync("http://echo:80/rewrite/on?q=1");
        Assert.Equal(("/to/on?q=1", "other.example"), (rewrite.Url, rewrite.Host));
        Assert.Equal("/all", (await client.GetAsync("http://echo:80/full/x")).Url);

        var preflight = await client.GetAsync(
            "http://echo:80/cors", "--method=OPTIONS", "-HOrigin: https://a.example", "-HAccess-Control-Request-Method: GET");
        Assert.Equal(200, preflight.Status);
        Assert.Null(preflight.Version);
        Assert.Equal("https://a.example", preflight.Header("Access-Control-Allow-Origin"));
        Assert.Equal("GET", preflight.Header("Access-Control-Allow-Methods"));
        Assert.Equal("100", preflight.Header("Access-Control-Max-Age"));
        Assert.Equal("true", preflight.Header("Access-Control-Allow-Credentials"));
        var simple = await client.GetAsync("http://echo:80/cors", "-HOrigin: https://a.example");
        Assert.Equal(("v1", "https://a.example", "x-e"), (simple.Version, simple.Header("Access-Control-Allow-Origin"), simple.Header("Access-Control-Expose-Headers")));
        Assert.Null((await client.GetAsync("http://echo:80/cors", "-HOrigin: https://b.example")).Header("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Grpc_a_method_with_a_header_is_split_and_others_are_unimplemented(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("grpc");
        var client = shop.Client(carrier);
        var refused = new ProcessResult(0, "", "");
        await Eventually.TrueAsync(
            async () => (refused = await client.RunAsync("grpc://echo:7070")).ExitCode != 0, TimeSpan.FromSeconds(20), "the route");
        Assert.Contains("Unimplemented", refused.Output + refused.Error, StringComparison.Ordinal);
        var answers = await client.SendAsync("grpc://echo:7070", "--count=60", "-Hx-v: two");
        Assert.Equal(60, answers.Count(a => a.Status == 200));
        var bounds = BinomialBounds.Of(60, 0.5);
        Assert.InRange(answers.Count(a => a.Version == "v2"), bounds.Low, bounds.High);
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Tcp_a_quarter_of_the_connections_goes_to_v2(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("tcp");
        var client = shop.Client(carrier);
        var bounds = BinomialBounds.Of(200, 0.25);
        IReadOnlyList<EchoResponse> answers = [];
        await Eventually.TrueAsync(
            async () => bounds.Contains((answers = await client.SendAsync("tcp://echo:9090", "--count=200")).Count(a => a.Version == "v2")),
            TimeSpan.FromSeconds(20),
            "a quarter of the connections to v2");
        Assert.Equal(200, answers.Count(a => a.Status == 200));
    }
}
