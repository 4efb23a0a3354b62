using System.Net;
using System.Net.Sockets;
using System.Text;
using static Waypoint.Proxy.Tests.Listening.SocketExtensions;

namespace Waypoint.Proxy.Tests.Listening;

public sealed class HandoffTests
{
    private const string Get = "GET /x HTTP/1.1\r\nHost: shop\r\n\r\n";

    [Fact]
    public async Task HTTP1_and_HTTP2_are_served_on_one_port()
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var one = await front.ConnectAsync(Front.HttpService);
        await one.SendAsync(Get);
        Assert.EndsWith("HTTP/1.1 /x to 10.96.0.1:80 from 127.0.0.1 as - chain http", await one.ReadResponseAsync());

        using var client = new HttpClient(new SocketsHttpHandler { ConnectCallback = async (_, _) => new NetworkStream(await front.ConnectAsync(Front.HttpService), ownsSocket: true) });
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://shop/y") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.SendAsync(request);
        Assert.Equal("HTTP/2 /y to 10.96.0.1:80 from 127.0.0.1 as - chain http", await response.Content.ReadAsStringAsync());
        Assert.Equal((1, 1), (front.Metrics.Http1, front.Metrics.Http2));
    }
}
