using Envoy.Extensions.Filters.Http.Cors.V3;
using Google.Protobuf;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tests.Forwarding;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Filters;

/// <summary>The answers are those of a real Envoy 1.39 with the same configuration.</summary>
public sealed class CorsTests
{
    private const string Theirs = "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: theirs\r\nAccess-Control-Expose-Headers: theirs\r\nContent-Length: 2\r\n\r\nok";
    private const string Preflight = "Access-Control-Request-Method: GET\r\n";

    private const string Policy =
        """
        {"allowOriginStringMatch": [{"exact": "http://a"}, {"prefix": "http://dev."}, {"safeRegex": {"regex": ".*\\.example"}}],
         "allowMethods": "GET", "allowHeaders": "x-h", "exposeHeaders": "x-e", "maxAge": "100", "allowCredentials": true,
         "allowPrivateNetworkAccess": true, "forwardNotMatchingPreflights": false}
        """;

    [Fact]
    public async Task A_preflight_is_answered_here_with_all_that_is_allowed()
    {
        await using var backend = RawBackend.Answering(Theirs);
        await using var proxy = await StartAsync(backend, Policy);
        Assert.Equal(
            ["HTTP/1.1 200 OK", "access-control-allow-credentials: true", "access-control-allow-headers: x-h", "access-control-allow-methods: get", "access-control-allow-origin: http://a",
             "access-control-expose-headers: x-e", "access-control-max-age: 100", "content-length: 0"],
            await SendAsync(proxy, "OPTIONS", "Origin: http://a\r\n" + Preflight));
        Assert.Contains(
            "access-control-allow-private-network: true",
            await SendAsync(proxy, "OPTIONS", "Origin: http://a\r\n" + Preflight + "Access-Control-Request-Private-Network: true\r\n"));
        Assert.Empty(backend.Requests);
    }

    [Theory]
    [InlineData("http://a", true)]
    [InlineData("http://dev.1", true)]
    [InlineData("http://x.example", true)]
    [InlineData("http://b", false)]
    [InlineData("http://a.evil", false)]
    [InlineData("http://x.example.evil", false)]
    public async Task The_answer_of_a_backend_is_marked_for_allowed_origins_only(string origin, bool isAllowed)
    {
        await using var backend = RawBackend.Answering(Theirs);
        await using var proxy = await StartAsync(backend, Policy);
        string[] expected = isAllowed
            ? ["HTTP/1.1 200 OK", "access-control-allow-credentials: true", $"access-control-allow-origin: {origin}", "access-control-expose-headers: x-e", "content-length: 2"]
            : ["HTTP/1.1 200 OK", "access-control-allow-origin: theirs", "access-control-expose-headers: theirs", "content-length: 2"];
        Assert.Equal(expected, await SendAsync(proxy, "GET", $"Origin: {origin}\r\n"));
    }

    [Fact]
    public async Task An_answer_of_our_own_is_marked_too()
    {
        await using var proxy = await FilteredProxy.StartAsync(Forward(Refusing()), new Cors(), Parse(Policy));
        var answer = await SendAsync(proxy, "GET", "Origin: http://a\r\n");
        Assert.Equal("HTTP/1.1 503 Service Unavailable", answer[0]);
        Assert.Contains("access-control-allow-origin: http://a", answer);
    }

    [Fact]
    public async Task A_preflight_of_another_origin_is_answered_without_the_permission()
    {
        await using var backend = RawBackend.Answering(Theirs);
        await using var proxy = await StartAsync(backend, Policy);
        Assert.Equal(
            ["HTTP/1.1 200 OK", "access-control-allow-credentials: true", "access-control-allow-headers: x-h", "access-control-allow-methods: get", "access-control-max-age: 100", "content-length: 0"],
            await SendAsync(proxy, "OPTIONS", "Origin: http://b\r\n" + Preflight));
        Assert.Empty(backend.Requests);
    }

    [Theory]
    [InlineData("Origin: http://b\r\n" + Preflight, "theirs")]
    [InlineData("Origin: http://a\r\n", "http://a")]
    [InlineData("Origin: \r\n" + Preflight, "theirs")]
    [InlineData(Preflight, "theirs")]
    public async Task What_is_no_preflight_of_an_allowed_origin_goes_to_the_backend_unless_told_otherwise(string headers, string origin)
    {
        await using var backend = RawBackend.Answering(Theirs);
        await using var proxy = await StartAsync(backend, """{"allowOriginStringMatch": [{"exact": "http://a"}]}""");
        var answer = await SendAsync(proxy, "OPTIONS", headers);
        Assert.Equal($"access-control-allow-origin: {origin}", answer[1]);
        Assert.Equal("access-control-expose-headers: theirs", answer[2]);
        Assert.Single(backend.Requests);
    }

    [Fact]
    public async Task A_star_allows_every_origin_by_its_name()
    {
        await using var backend = RawBackend.Answering(Theirs);
        await using var proxy = await StartAsync(backend, """{"allowOriginStringMatch": [{"exact": "*"}]}""");
        Assert.Contains("access-control-allow-origin: http://b", await SendAsync(proxy, "GET", "Origin: http://b\r\n"));
    }

    [Theory]
    [InlineData("\"filterEnabled\": {\"defaultValue\": {\"numerator\": 0}}")]
    [InlineData("\"shadowEnabled\": {\"defaultValue\": {\"numerator\": 100}}")]
    public async Task A_policy_that_is_not_in_force_changes_nothing(string enabled)
    {
        await using var backend = RawBackend.Answering(Theirs);
        await using var proxy = await StartAsync(backend, "{\"allowOriginStringMatch\": [{\"exact\": \"*\"}], " + enabled + "}");
        Assert.Contains("access-control-allow-origin: theirs", await SendAsync(proxy, "OPTIONS", "Origin: http://b\r\n" + Preflight));
    }

    [Fact]
    public async Task A_route_that_answers_itself_has_no_policy()
    {
        await using var proxy = await FilteredProxy.StartAsync(new DirectResponseAction(200, default), new Cors(), Parse(Policy));
        Assert.Equal(["HTTP/1.1 200 OK", "content-length: 0"], await SendAsync(proxy, "GET", "Origin: http://a\r\n"));
    }

    private static CorsPolicy Parse(string policy) => JsonParser.Default.Parse<CorsPolicy>(policy);

    private static Task<ProxyUnderTest> StartAsync(RawBackend backend, string policy) =>
        FilteredProxy.StartAsync(Forward(backend.Address), new Cors(), Parse(policy));

    /// <summary>The status line and, in order and in small letters, the headers that matter here.</summary>
    private static async Task<string[]> SendAsync(ProxyUnderTest proxy, string method, string headers)
    {
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync($"{method} / HTTP/1.1\r\nHost: echo\r\n{headers}\r\n");
        var lines = (await client.ReadMessageAsync()).Split("\r\n\r\n")[0].Split("\r\n");
        return
        [
            lines[0],
            .. lines.Skip(1).Select(line => line.ToLowerInvariant())
                .Where(line => line.StartsWith("access-", StringComparison.Ordinal) || line.StartsWith("content-length", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];
    }
}
