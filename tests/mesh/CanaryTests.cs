using System.Diagnostics;
using Waypoint.TestBed.Traffic;
using Xunit.Abstractions;

namespace Waypoint.Mesh.Tests;

/// <summary>Which version gets a request.</summary>
[Collection(WholeMesh.Name)]
public sealed class CanaryTests(DemoMesh demo, ITestOutputHelper output)
{
    private const string Get = "GET / HTTP/1.1\r\nHost: echo.shop\r\n\r\n";
    private const string Weights = "weight: 90}\n    - {name: echo-v2, port: 80, weight: 10}";
    private const string Swapped = "weight: 0}\n    - {name: echo-v2, port: 80, weight: 100}";

    [Fact]
    public async Task Requests_are_split_by_weight()
    {
        Dictionary<string, int> versions = await VersionsAsync(2000, Get);

        Assert.Equal(2000, versions["v1"] + versions["v2"]);
        Assert.True(BinomialBounds.Of(2000, 0.1).Contains(versions["v2"]), $"{versions["v2"]} of 2000 went to v2");
    }

    [Fact]
    public async Task A_header_sends_every_request_to_v2()
    {
        Dictionary<string, int> versions = await VersionsAsync(200, Get.Replace("\r\n\r\n", "\r\nX-Canary: always\r\n\r\n", StringComparison.Ordinal));

        Assert.Equal(new Dictionary<string, int> { ["v2"] = 200 }, versions);
    }

    [Fact]
    public async Task Saved_weights_are_live_within_a_second_and_no_request_fails()
    {
        using HttpConnection connection = await HttpConnection.OpenAsync(demo.Client, "echo.shop", 80);
        demo.Mesh.Config.Edit("canary.yaml", Weights, Swapped);
        long saved = Stopwatch.GetTimestamp();
        TimeSpan live = TimeSpan.Zero;
        try
        {
            for (int row = 0; row < 200; row++)
            {
                HttpAnswer answer = await connection.ExchangeAsync(Get);
                Assert.Equal(200, answer.Status);
                if (row == 0)
                {
                    live = Stopwatch.GetElapsedTime(saved);
                    Assert.True(live < TimeSpan.FromSeconds(1), "still the old weights");
                }
                if (answer.Version == "v1")
                {
                    row = -1;
                }
            }
        }
        finally
        {
            demo.Mesh.Config.Edit("canary.yaml", Swapped, Weights);
        }
        output.WriteLine($"live after {live.TotalMilliseconds:0} ms");
    }

    [Fact]
    public async Task A_retry_hides_a_broken_pod()
    {
        for (int request = 0; request < 100; request++)
        {
            HttpAnswer answer = await HttpConnection.OnceAsync(demo.Client, "flaky.shop", 80, Get);
            Assert.Equal((200, "good"), (answer.Status, answer.Version));
        }
    }

    [Fact]
    public async Task A_request_body_is_sent_again_with_the_retry()
    {
        string post = $"POST / HTTP/1.1\r\nHost: flaky\r\nContent-Length: 5000\r\n\r\n{new string('b', 5000)}";
        for (int request = 0; request < 20; request++)
        {
            HttpAnswer answer = await HttpConnection.OnceAsync(demo.Client, "flaky.shop", 80, post);
            Assert.Equal(200, answer.Status);
            Assert.Contains("\"bodyLength\":5000", answer.Text, StringComparison.Ordinal);
        }
    }

    private async Task<Dictionary<string, int>> VersionsAsync(int requests, string request)
    {
        using HttpConnection connection = await HttpConnection.OpenAsync(demo.Client, "echo.shop", 80);
        Dictionary<string, int> versions = [];
        for (int sent = 0; sent < requests; sent++)
        {
            HttpAnswer answer = await connection.ExchangeAsync(request);
            Assert.Equal(200, answer.Status);
            versions[answer.Version] = versions.GetValueOrDefault(answer.Version) + 1;
        }
        return versions;
    }
}
