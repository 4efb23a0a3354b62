using Waypoint.TestBed.Traffic;

namespace Waypoint.Mesh.Tests;

/// <summary>What is not HTTP, through the same waypoint.</summary>
[Collection(WholeMesh.Name)]
public sealed class PlainTcpTests(DemoMesh demo)
{
    [Fact]
    public async Task Bytes_come_back_as_they_were_sent()
    {
        string bytes = string.Concat(Enumerable.Range(0, 100_000).Select(value => (char)(value % 256)));

        Assert.Equal(bytes, (await TcpExchange.AskAsync(demo.Client, "echo.shop", 9090, bytes)).Text);
    }

    [Fact]
    public async Task A_server_may_answer_after_the_clients_fin() =>
        Assert.EndsWith("received 12 bytes\n", (await TcpExchange.AskAsync(demo.Client, "echo.shop", 9092, "twelve bytes")).Text, StringComparison.Ordinal);

    [Fact]
    public async Task A_tcp_route_chooses_the_backend_of_a_server_that_speaks_first() =>
        Assert.Equal("hello from v2\n", (await TcpExchange.ListenAsync(demo.Client, "echo.shop", 9091)).Text);

    [Fact]
    public async Task A_server_that_speaks_first_is_heard_without_delay()
    {
        TimeSpan direct = await TcpExchange.MedianGreetingAsync(demo.Stranger, demo.Mesh["echo-v2"].Address4.ToString(), 9091, 20);
        TimeSpan through = await TcpExchange.MedianGreetingAsync(demo.Client, "echo.shop", 9091, 20);

        // A waypoint that waited for the client to speak would wait a hundred milliseconds; a busy machine stretches both figures.
        Assert.True(through < (3 * direct) + TimeSpan.FromMilliseconds(10), $"{through.TotalMilliseconds:0.0} ms, direct {direct.TotalMilliseconds:0.0} ms");
    }

    [Fact]
    public async Task A_port_that_declares_no_protocol_carries_http_and_other_bytes()
    {
        HttpAnswer http = await HttpConnection.OnceAsync(demo.Client, "echo.shop", 9998, "GET / HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.Equal(200, http.Status);
        Assert.Equal("SSH-2.0-none\r\n", (await TcpExchange.AskAsync(demo.Client, "echo.shop", 9999, "SSH-2.0-none\r\n")).Text);
    }

    [Fact]
    public async Task A_pods_port_that_no_service_declares_carries_bytes()
    {
        double redirected = await demo.Mesh.AgentAdmin.CounterAsync("redirected");

        Assert.Equal("anything", (await TcpExchange.AskAsync(demo.Client, demo.Mesh["echo-v1"].Address4.ToString(), 4242, "anything")).Text);
        Assert.Equal(redirected + 1, await demo.Mesh.AgentAdmin.CounterAsync("redirected"));
    }
}
