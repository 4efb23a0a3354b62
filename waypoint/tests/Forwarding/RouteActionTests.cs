using System.Text.RegularExpressions;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Forwarding;

public sealed class RouteActionTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nX-Remove: r\r\nX-Set: backend\r\nContent-Length: 0\r\n\r\n";

    [Theory]
    [InlineData(null, null, null, "http://echo:8080/a?b")]
    [InlineData("https", null, null, "https://echo:8080/a?b")]
    [InlineData(null, "other.example", null, "http://other.example/a?b")]
    [InlineData("https", "other.example", 8443, "https://other.example:8443/a?b")]
    [InlineData("https", "other.example", 443, "https://other.example/a?b")]
    [InlineData(null, "other.example", 80, "http://other.example/a?b")]
    [InlineData(null, null, 80, "http://echo/a?b")]
    [InlineData(null, null, 9090, "http://echo:9090/a?b")]
    public async Task A_redirect_names_what_the_route_names_and_takes_the_rest_from_the_request(string? scheme, string? host, int? port, string location)
    {
        var action = new RedirectAction(302) { Scheme = scheme, Host = host, Port = port };

        Assert.Equal(location, await RedirectAsync(action, "/a?b", "echo:8080"));
    }

    [Theory]
    [InlineData("echo:80", "https://echo/")]
    [InlineData("[fd00::1]:80", "https://[fd00::1]/")]
    [InlineData("[fd00::1]", "https://[fd00::1]/")]
    public async Task The_default_port_of_the_old_scheme_does_not_follow_to_the_new_one(string host, string location) =>
        Assert.Equal(location, await RedirectAsync(new RedirectAction(301) { Scheme = "https" }, "/", host));

    [Fact]
    public async Task A_redirect_may_rewrite_the_path_and_drop_the_query()
    {
        var action = new RedirectAction(308) { PathRewrite = new ReplacePrefix("/a", "/b"), StripQuery = true };

        Assert.Equal("http://echo/b/x%2Fy", await RedirectAsync(action, "/a/x%2Fy?q", "echo"));
    }

    [Fact]
    public async Task A_direct_response_brings_its_body_and_the_routes_headers()
    {
        var route = RouteTo(new DirectResponseAction(418, "tea"u8.ToArray())) with
        {
            ResponseHeaders = new HeaderMutations([], [new("x-set", "s")], []),
        };
        await using var proxy = await ProxyUnderTest.StartAsync(route);
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");

        var response = await client.ReadMessageAsync();
        Assert.StartsWith("HTTP/1.1 418 ", response, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: text/plain\r\n", response, StringComparison.Ordinal);
        Assert.Contains("\r\nx-set: s\r\n", response, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\ntea", response, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api", "/v1", "/api/x%2Fy/..?q=/api", "/v1/x%2Fy/..?q=/api")]
    [InlineData("/api", "/v1", "/api", "/v1")]
    [InlineData("/api", "/v1/", "/api/x", "/v1/x")]
    [InlineData("/api/", "/v1", "/api/x", "/v1/x")]
    [InlineData("/api", "/", "/api/x", "/x")]
    [InlineData("/api", "/", "/api", "/")]
    [InlineData("/api", "", "/api?q", "/?q")]
    [InlineData("/", "/v1", "/x", "/v1/x")]
    [InlineData("/api", "/v1", "/x/../api/y", "/v1/y")]
    public async Task A_prefix_is_replaced_by_path_element_and_the_rest_stays(string prefix, string replacement, string target, string expected) =>
        Assert.Equal(expected, await RewriteAsync(new ReplacePrefix(prefix, replacement), target));

    [Theory]
    [InlineData("/a/b%2F?q=1?2", "/all?q=1?2")]
    [InlineData("/a?", "/all?")]
    [InlineData("/a", "/all")]
    public async Task A_full_path_is_replaced_and_the_query_stays(string target, string expected) =>
        Assert.Equal(expected, await RewriteAsync(new ReplaceFullPath("/all"), target));

    [Theory]
    [InlineData("^/service/([^/]+)(/.*)$", @"\2/instance/\1", "/service/foo/v1/api?q", "/v1/api/instance/foo?q")]
    [InlineData("one", "two", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/two/zzz")]
    [InlineData("(?i)/xxx/", "/yyy/", "/aaa/XxX/bbb", "/aaa/yyy/bbb")]
    [InlineData(".*", "/all", "/a/b", "/all")]
    [InlineData("/a", @"/\\", "/a", @"/\")]
    [InlineData("b", @"[\0]", "/abc", "/a[b]c")]
    public async Task A_regular_expression_replaces_every_match_as_re2_does(string pattern, string substitution, string target, string expected) =>
        Assert.Equal(expected, await RewriteAsync(new ReplaceRegex(Re2Pattern.Search(pattern), substitution), target));

    [Fact]
    public async Task A_rewritten_request_tells_what_it_was()
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address) with
        {
            PathRewrite = new ReplacePrefix("/a", "/b"),
            HostRewrite = "other.example",
        }));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET /a/x?q HTTP/1.1\r\nHost: echo\r\n\r\n");
        await client.ReadMessageAsync();

        Assert.StartsWith("GET /b/x?q HTTP/1.1\r\nHost: other.example\r\n", backend.Request, StringComparison.Ordinal);
        Assert.Contains("\r\nx-envoy-original-path: /a/x?q\r\n", backend.Request, StringComparison.Ordinal);
        Assert.Contains("\r\nx-envoy-original-host: echo\r\n", backend.Request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_are_removed_then_set_then_added_in_both_directions()
    {
        await using var backend = RawBackend.Answering(Ok);
        var mutations = new HeaderMutations(["X-Remove"], [new("x-set", "s"), new("x-euro", WireText.Of("€"))], [new("x-set", "a"), new("x-add", "a")]);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)) with { RequestHeaders = mutations, ResponseHeaders = mutations });
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\nx-remove: 1\r\nX-SET: client\r\n\r\n");
        var response = await client.ReadMessageAsync();

        foreach (var message in new[] { backend.Request, response })
        {
            Assert.DoesNotContain("x-remove", message, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("\r\nx-add: a\r\n", message, StringComparison.Ordinal);
            Assert.Contains("\r\nx-euro: \u00e2\u0082\u00ac\r\n", message, StringComparison.Ordinal);
        }

        Assert.Matches("(?i)\r\nx-set: s, a\r\n", backend.Request);
        Assert.Matches("(?i)\r\nx-set: s\r\nx-set: a\r\n", response);
    }

    [Fact]
    public async Task A_split_keeps_its_weights_and_each_backends_headers()
    {
        await using var one = RawBackend.Answering(Ok);
        await using var two = RawBackend.Answering(Ok);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(new ForwardAction(new WeightedClusters(
        [
            Share(ClusterOf(UpstreamProtocol.Http1, one.Address), 9),
            Share(ClusterOf(UpstreamProtocol.Http1, two.Address), 1) with
            {
                RequestHeaders = new HeaderMutations([], [], [new("x-backend", "two")]),
                ResponseHeaders = new HeaderMutations([], [], [new("x-from", "two")]),
            },
        ]))));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        var marked = 0;
        for (var i = 0; i < 1000; i++)
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
            marked += (await client.ReadMessageAsync()).Contains("\r\nx-from: two\r\n", StringComparison.Ordinal) ? 1 : 0;
        }

        // Six standard deviations of a binomial with n = 1000 and p = 0.1.
        Assert.InRange(two.Requests.Count, 100 - 57, 100 + 57);
        Assert.Equal(two.Requests.Count, marked);
        Assert.All(two.Requests, request => Assert.Contains("\r\nx-backend: two\r\n", request, StringComparison.Ordinal));
        Assert.All(one.Requests, request => Assert.DoesNotContain("x-backend", request, StringComparison.Ordinal));
    }

    private static async Task<string> RedirectAsync(RedirectAction action, string target, string host)
    {
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(action));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync($"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        var response = await client.ReadMessageAsync();
        Assert.StartsWith($"HTTP/1.1 {action.Status} ", response, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Length: 0\r\n", response, StringComparison.Ordinal);
        return Regex.Match(response, "\r\nLocation: (.*)\r\n").Groups[1].Value;
    }

    private static async Task<string> RewriteAsync(PathRewrite rewrite, string target)
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address) with { PathRewrite = rewrite }));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync($"GET {target} HTTP/1.1\r\nHost: echo\r\n\r\n");
        await client.ReadMessageAsync();
        return backend.Request.Split(' ')[1];
    }
}
