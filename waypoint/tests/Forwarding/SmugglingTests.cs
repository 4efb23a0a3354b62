using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>No bytes of a client are a request to the backend unless they are one to the proxy.</summary>
public sealed class SmugglingTests
{
    private const string Smuggled = "GET /smuggled HTTP/1.1\r\nHost: echo\r\n\r\n";

    [Theory]
    [InlineData("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + Smuggled)]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 100", "0\r\n\r\n" + Smuggled)]
    [InlineData("Content-Length: 0\r\nContent-Length: 44", Smuggled)]
    [InlineData("Content-Length: 44\r\nContent-Length: 44", Smuggled)]
    [InlineData("Content-Length: 0, 44", Smuggled)]
    [InlineData("Content-Length: -1", Smuggled)]
    [InlineData("Content-Length: 0x5", "hello" + Smuggled)]
    [InlineData("Content-Length: 5 5", "hello" + Smuggled)]
    [InlineData("Transfer-Encoding: xchunked", "0\r\n\r\n" + Smuggled)]
    [InlineData("Transfer-Encoding: chunked, identity", "0\r\n\r\n" + Smuggled)]
    [InlineData("Transfer-Encoding: identity", Smuggled)]
    [InlineData("Transfer-Encoding : chunked", "0\r\n\r\n" + Smuggled)]
    [InlineData("Transfer-Encoding:\u000bchunked", "0\r\n\r\n" + Smuggled)]
    [InlineData(" Transfer-Encoding: chunked", "0\r\n\r\n" + Smuggled)]
    [InlineData("X-A: 1\r\n folded", Smuggled)]
    [InlineData("X-A: 1\nX-B: 2", Smuggled)]
    [InlineData("X-A: a\u0000b", Smuggled)]
    [InlineData("X-A: a\rb", Smuggled)]
    [InlineData("X A: 1", Smuggled)]
    [InlineData(": 1", Smuggled)]
    [InlineData("Host: other", Smuggled)]
    public async Task A_head_that_can_be_read_in_two_ways_is_refused_and_the_connection_closed(string header, string rest)
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: echo\r\n{header}\r\n\r\n{rest}");

        Assert.StartsWith("HTTP/1.1 400 Bad Request\r\n", await client.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Empty(backend.Requests);
    }

    [Theory]
    [InlineData("POST / HTTP/1.0\r\nHost: echo\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + Smuggled)]
    [InlineData("GET / HTTP/1.1\r\n\r\n" + Smuggled)]
    [InlineData("GET / HTTP/1.1\nHost: echo\n\n" + Smuggled)]
    [InlineData("GET  / HTTP/1.1\r\nHost: echo\r\n\r\n" + Smuggled)]
    [InlineData("GET /\u0000 HTTP/1.1\r\nHost: echo\r\n\r\n" + Smuggled)]
    [InlineData("GET /a b HTTP/1.1\r\nHost: echo\r\n\r\n" + Smuggled)]
    [InlineData("GET http://other/ HTTP/1.1\r\nHost: echo\r\n\r\n" + Smuggled)]
    [InlineData("CONNECT echo:80 HTTP/1.1\r\nHost: echo:80\r\n\r\n" + Smuggled)]
    public async Task A_request_line_that_can_be_read_in_two_ways_is_refused_and_the_connection_closed(string bytes)
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync(bytes);

        Assert.Matches("^HTTP/1.1 40[03] ", await client.ReadToEndAsync());
        Assert.Empty(backend.Requests);
    }

    [Theory]
    [InlineData("0x3\r\nabc\r\n0\r\n\r\n")]
    [InlineData("+3\r\nabc\r\n0\r\n\r\n")]
    [InlineData("3_0\r\nabc\r\n0\r\n\r\n")]
    [InlineData("FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n")]
    [InlineData("3\nabc\r\n0\r\n\r\n")]
    [InlineData("3;a\nb\r\nabc\r\n0\r\n\r\n")]
    [InlineData("3\r\nabcd\r\n0\r\n\r\n")]
    [InlineData("-3\r\nabc\r\n0\r\n\r\n")]
    public async Task Chunks_that_are_none_never_become_a_whole_request(string body)
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: echo\r\nTransfer-Encoding: chunked\r\n\r\n{body}{Smuggled}");

        Assert.StartsWith("HTTP/1.1 400 Bad Request\r\n", await client.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain(backend.Requests, request => request.EndsWith("0\r\n\r\n", StringComparison.Ordinal) || request.Contains("smuggled", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Exception__a_length_with_a_plus_is_taken_and_goes_on_without_it()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: +5\r\n\r\nhello");

        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadMessageAsync(), StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Length: 5\r\n", backend.Request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chunk_extension_is_not_passed_on()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadMessageAsync(), StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n3\r\nabc\r\n0\r\n\r\n", backend.Request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_rest_of_a_body_that_nobody_read_is_not_the_next_request()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(
            RouteTo(new Waypoint.Proxy.Routing.DirectResponseAction(403, "no"u8.ToArray()), new Waypoint.Proxy.Routing.PathExact("/denied")),
            RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync($"POST /denied HTTP/1.1\r\nHost: echo\r\nContent-Length: {Smuggled.Length}\r\n\r\n{Smuggled}");
        Assert.StartsWith("HTTP/1.1 403 Forbidden", await client.ReadMessageAsync(), StringComparison.Ordinal);
        await client.SendAsync("GET /next HTTP/1.1\r\nHost: echo\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadMessageAsync(), StringComparison.Ordinal);

        Assert.StartsWith("GET /next ", backend.Request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc")]
    [InlineData("HTTP/9.9 200 OK\r\n\r\n")]
    [InlineData("garbage\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX A: 1\r\n\r\n")]
    public async Task An_answer_that_is_not_http_is_a_502(string answer)
    {
        await using var backend = RawBackend.Answering(answer);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");

        var response = await client.ReadMessageAsync();
        Assert.StartsWith("HTTP/1.1 502 Bad Gateway\r\n", response, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nupstream connect error or disconnect/reset before headers. reset reason: protocol error", response, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_answer_nobody_asked_for_goes_to_nobody()
    {
        await using var backend = RawBackend.Answering(request => request.Contains("/first", StringComparison.Ordinal)
            ? "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
            : "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET /first HTTP/1.1\r\nHost: echo\r\n\r\n");
        Assert.EndsWith("\r\n\r\n1", await client.ReadMessageAsync(), StringComparison.Ordinal);
        await client.SendAsync("GET /second HTTP/1.1\r\nHost: echo\r\n\r\n");
        Assert.EndsWith("\r\n\r\n2", await client.ReadMessageAsync(), StringComparison.Ordinal);
    }
}
