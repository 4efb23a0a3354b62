using System.Text.Json;
using Waypoint.TestBed.Traffic;

namespace Waypoint.Mesh.Tests;

/// <summary>Each thing that a route can do, once through the whole mesh; see config/features.yaml.</summary>
[Collection(WholeMesh.Name)]
public sealed class RouteFeatureTests(DemoMesh demo)
{
    [Fact]
    public async Task A_redirect_replaces_the_prefix()
    {
        HttpAnswer answer = await GetAsync("/redirect/a?b=c");

        Assert.Equal(301, answer.Status);
        Assert.Equal("https://elsewhere.example/there/a?b=c", answer.Header("location"));
    }

    [Fact]
    public async Task A_rewrite_replaces_the_prefix_and_the_host()
    {
        JsonElement received = await ReceivedAsync("/rewrite/a?b=c");

        Assert.Equal("/inner/a?b=c", received.GetProperty("path").GetString());
        Assert.Equal("inner.example", received.GetProperty("headers").GetProperty("Host")[0].GetString());
    }

    [Fact]
    public async Task Headers_are_set_added_and_removed_both_ways()
    {
        HttpAnswer answer = await GetAsync("/headers", "x-set: 0\r\nx-add: 0\r\nx-remove: 0\r\n");
        JsonElement headers = JsonDocument.Parse(answer.Body).RootElement.GetProperty("headers");

        Assert.Equal(["1"], headers.GetProperty("x-set").EnumerateArray().Select(value => value.GetString()));
        Assert.Equal("0, 2", string.Join(", ", headers.GetProperty("x-add").EnumerateArray().Select(value => value.GetString())));
        Assert.False(headers.TryGetProperty("x-remove", out _));
        Assert.Equal("3", answer.Header("x-answer"));
        Assert.Null(answer.Header("x-version"));
    }

    [Fact]
    public async Task A_timeout_answers_504()
    {
        Assert.Equal(504, (await GetAsync("/slow?delay=3000")).Status);
        Assert.Equal(200, (await GetAsync("/slow")).Status);
    }

    [Fact]
    public async Task A_mirrored_request_reaches_its_own_backend_only() =>
        Assert.Equal("v1", (await GetAsync("/mirror")).Version);

    [Theory]
    [InlineData("GET", "/regex/42", "v2")]
    [InlineData("DELETE", "/anything", "v2")]
    [InlineData("GET", "/anything?version=2", "v2")]
    [InlineData("GET", "/v1", "v1")]
    public async Task Path_method_and_query_choose_the_backend(string method, string path, string version)
    {
        HttpAnswer answer = await HttpConnection.OnceAsync(demo.Client, "features.shop", 80, $"{method} {path} HTTP/1.1\r\nHost: features\r\n\r\n");

        Assert.Equal((200, version), (answer.Status, answer.Version));
    }

    [Fact]
    public async Task A_request_that_no_rule_matches_gets_404() =>
        Assert.Equal(404, (await GetAsync("/v1/below")).Status);

    private Task<HttpAnswer> GetAsync(string path, string headers = "") =>
        HttpConnection.OnceAsync(demo.Client, "features.shop", 80, $"GET {path} HTTP/1.1\r\nHost: features\r\n{headers}\r\n");

    private async Task<JsonElement> ReceivedAsync(string path)
    {
        HttpAnswer answer = await GetAsync(path);
        Assert.Equal(200, answer.Status);
        return JsonDocument.Parse(answer.Body).RootElement;
    }
}
