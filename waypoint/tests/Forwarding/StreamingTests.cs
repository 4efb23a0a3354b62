using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Waypoint.Proxy.LoadBalancing;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>Bodies, upgrades and interruptions on HTTP/1.1.</summary>
public sealed class StreamingTests
{
    [Fact]
    public async Task The_head_of_an_answer_does_not_wait_for_its_body()
    {
        var body = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadMessageAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
            await body.Task;
            await connection.SendAsync("5\r\nevent\r\n0\r\n\r\n");
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.ReadThroughAsync("\r\n\r\n"), StringComparison.Ordinal);
        body.SetResult();
        Assert.Equal("5\r\nevent\r\n0\r\n\r\n", await client.ReadThroughAsync("0\r\n\r\n"));
    }

    [Fact]
    public async Task The_head_and_each_part_of_a_request_do_not_wait_for_the_next()
    {
        var heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var heardPart = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadThroughAsync("\r\n\r\n");
            heard.SetResult();
            await connection.ReadThroughAsync("first\r\n");
            heardPart.SetResult();
            await connection.ReadThroughAsync("0\r\n\r\n");
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nTransfer-Encoding: chunked\r\n\r\n");
        await heard.Task.WaitAsync(TimeSpan.FromSeconds(10));
        await client.SendAsync("5\r\nfirst\r\n");
        await heardPart.Task.WaitAsync(TimeSpan.FromSeconds(10));
        await client.SendAsync("0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadMessageAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_waits_for_the_backends_100_continue()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var backend = RawBackend.Serving(async connection =>
        {
            var head = await connection.ReadThroughAsync("\r\n\r\n");
            Assert.Contains("\r\nExpect: 100-continue\r\n", head, StringComparison.Ordinal);
            asked.SetResult();
            await connection.SendAsync("HTTP/1.1 100 Continue\r\n\r\n");
            await connection.ReadExactlyAsync(5);
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", await client.ReadThroughAsync("\r\n\r\n"));
        await client.SendAsync("hello");
        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadMessageAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_instead_of_100_continue_arrives_without_the_body_being_asked_for()
    {
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadThroughAsync("\r\n\r\n");
            await connection.SendAsync("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 417 Expectation Failed\r\n", await client.ReadMessageAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_large_body_arrives_whole_in_both_directions()
    {
        const int Length = 8 * 1024 * 1024;
        var content = RandomNumberGenerator.GetBytes(Length);
        await using var backend = await HttpBackend.StartAsync(async context =>
        {
            using var whole = new MemoryStream(Length);
            await context.Request.Body.CopyToAsync(whole);
            await context.Response.Body.WriteAsync(whole.GetBuffer().AsMemory(0, Length));
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Http1)));
        using var client = new HttpClient();

        var answer = await client.PostAsync(new Uri($"http://{proxy.Http1}/"), new ByteArrayContent(content));

        Assert.Equal(content, await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Over_http2_a_backend_may_answer_while_it_reads()
    {
        // More than all the windows and buffers on the way hold together: either side alone would stall.
        const int Length = 32 * 1024 * 1024;
        await using var backend = await HttpBackend.StartAsync(async context =>
        {
            context.Response.ContentLength = Length;
            await context.Request.Body.CopyToAsync(context.Response.Body);
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(UpstreamProtocol.Http2, backend.Http2)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: {Length}\r\n\r\n");
        var sending = Task.Run(
            async () =>
            {
                var part = new byte[64 * 1024];
                for (var sent = 0; sent < Length;)
                {
                    sent += await client.Socket.SendAsync(part.AsMemory(0, Math.Min(part.Length, Length - sent)), limit.Token);
                }
            },
            limit.Token);
        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadThroughAsync("\r\n\r\n"), StringComparison.Ordinal);
        var received = client.Buffered;
        var buffer = new byte[64 * 1024];
        while (received < Length)
        {
            received += await client.Socket.ReceiveAsync(buffer, limit.Token);
        }

        await sending;
        Assert.Equal(Length, received);
    }

    [Theory]
    [InlineData("Content-Length: 10\r\n\r\nabc", false)]
    [InlineData("Content-Length: 10\r\n\r\nabc", true)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", false)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true)]
    public async Task An_answer_that_breaks_off_is_never_passed_on_as_a_whole_one(string answer, bool reset)
    {
        var heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadMessageAsync();
            await connection.SendAsync($"HTTP/1.1 200 OK\r\n{answer}");
            await heard.Task;
            if (reset)
            {
                connection.Reset();
            }
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
        Assert.Contains("abc", await client.ReadThroughAsync("abc"), StringComparison.Ordinal);
        heard.SetResult();

        Assert.True(await client.ReadToResetAsync());
    }

    [Fact]
    public async Task A_client_that_leaves_ends_the_request_at_the_backend()
    {
        var heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadMessageAsync();
            heard.SetResult();
            await connection.ReadToResetAsync();
            ended.SetResult();
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
        await heard.Task.WaitAsync(TimeSpan.FromSeconds(10));
        client.Reset();

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_client_that_breaks_off_its_body_does_not_make_a_whole_request_of_it()
    {
        var received = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadThroughAsync("abc\r\n");
            started.SetResult();
            try
            {
                received.SetResult(await connection.ReadToEndAsync());
            }
            catch (System.Net.Sockets.SocketException)
            {
                received.SetResult("reset");
            }
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        await started.Task.WaitAsync(TimeSpan.FromSeconds(10));
        client.Reset();

        Assert.DoesNotContain("0\r\n", await received.Task.WaitAsync(TimeSpan.FromSeconds(10)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_websocket_goes_through_byte_for_byte()
    {
        await using var backend = RawBackend.Serving(async connection =>
        {
            var head = await connection.ReadThroughAsync("\r\n\r\n");
            Assert.Contains("\r\nUpgrade: websocket\r\n", head, StringComparison.Ordinal);
            Assert.Contains("\r\nConnection: Upgrade\r\n", head, StringComparison.Ordinal);
            Assert.Contains("\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", head, StringComparison.Ordinal);
            await connection.SendAsync(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\u0081\u0002hi");
            await connection.SendAsync(await connection.ReadExactlyAsync(8));
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync(
            "GET /chat HTTP/1.1\r\nHost: echo\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
        var head = await client.ReadThroughAsync("\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 101 Switching Protocols\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", head, StringComparison.Ordinal);
        Assert.Equal("\u0081\u0002hi", await client.ReadExactlyAsync(4));
        await client.SendAsync("\u0081\u0082\u0001\u0002\u0003\u0004\u0005\u0006");
        Assert.Equal("\u0081\u0082\u0001\u0002\u0003\u0004\u0005\u0006", await client.ReadExactlyAsync(8));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_websocket_goes_through_whatever_http_is_at_either_end(bool clientHttp2, bool backendHttp2)
    {
        await using var backend = await HttpBackend.StartAsync(HttpBackend.EchoWebSocketAsync);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(backendHttp2
            ? Forward(UpstreamProtocol.Http2, backend.Http2)
            : Forward(backend.Http1)));
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = clientHttp2 ? new Version(2, 0) : new Version(1, 1);
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler());
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));

        await socket.ConnectAsync(new Uri($"ws://{(clientHttp2 ? proxy.Http2 : proxy.Http1)}/"), invoker, limit.Token);
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, limit.Token);
        var buffer = new byte[16];
        var received = await socket.ReceiveAsync(buffer, limit.Token);
        Assert.Equal("hello", Encoding.ASCII.GetString(buffer, 0, received.Count));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", limit.Token);
        Assert.Equal("bye", socket.CloseStatusDescription);
    }

    [Fact]
    public async Task Another_upgrade_than_the_chains_is_forbidden()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\nUpgrade: foo\r\nConnection: Upgrade\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 403 Forbidden\r\n", await client.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Empty(backend.Requests);
    }

    [Fact]
    public async Task An_early_answer_over_http2_arrives_before_the_end_of_the_request()
    {
        await using var backend = await HttpBackend.StartAsync(context =>
        {
            context.Response.StatusCode = 413;
            return Task.CompletedTask;
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(UpstreamProtocol.Http2, backend.Http2)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: 1000000\r\n\r\nthe beginning");

        Assert.StartsWith("HTTP/1.1 413 ", await client.ReadThroughAsync("\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exception__an_early_answer_over_http1_arrives_at_the_end_of_the_request()
    {
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadThroughAsync("\r\n\r\n");
            await connection.SendAsync("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
            answered.SetResult();
            await connection.ReadToEndAsync();
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: 10\r\n\r\nhello");
        await answered.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(0, client.Socket.Available);
        await client.SendAsync("world");

        Assert.StartsWith("HTTP/1.1 413 Content Too Large\r\n", await client.ReadMessageAsync(), StringComparison.Ordinal);
    }
}
