using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>What a client sends and what a backend answers arrive byte for byte.</summary>
public sealed class TransparencyTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Theory]
    [InlineData("/")]
    [InlineData("/a%2Fb")]
    [InlineData("/a%2fb/%41/%7e")]
    [InlineData("/a/../b")]
    [InlineData("/a/./b/")]
    [InlineData("//a//b")]
    [InlineData("/a\\b")]
    [InlineData("/a;p=1/b,c")]
    [InlineData("/a?")]
    [InlineData("/a?x=%20+&y=%zz&z=a/../b")]
    [InlineData("/%zz%")]
    [InlineData("/a[b]{c}|\"<>^`")]
    public async Task A_path_arrives_byte_for_byte(string target)
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync($"GET {target} HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.ReadMessageAsync(), StringComparison.Ordinal);
        Assert.StartsWith($"GET {target} HTTP/1.1\r\nHost: echo\r\n", backend.Request, StringComparison.Ordinal);
    }

}
