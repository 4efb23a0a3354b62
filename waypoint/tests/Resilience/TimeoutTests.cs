using System.Diagnostics;
using Waypoint.Proxy.Resilience;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tests.Forwarding;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Resilience;

public sealed class TimeoutTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(100);

    [Fact]
    public async Task A_backend_that_does_not_answer_in_time_is_a_504()
    {
        await using var silent = Silent();
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(silent.Address) with { Timeout = Short }));
        var started = Stopwatch.GetTimestamp();

        var response = await GetAsync(proxy);

        Assert.StartsWith("HTTP/1.1 504 Gateway Timeout\r\n", response, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nupstream request timeout", response, StringComparison.Ordinal);
        Assert.InRange(Stopwatch.GetElapsedTime(started), Short, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task The_backend_is_told_how_long_it_has()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address) with { Timeout = TimeSpan.FromSeconds(15) }));

        await GetAsync(proxy);

        Assert.Contains("\r\nx-envoy-expected-rq-timeout-ms: 15000\r\n", backend.Request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_limit_for_the_whole_covers_all_tries()
    {
        await using var silent = Silent();
        var retry = DefaultRetries with { On = RetryOn.Reset, Retries = 100, PerTryTimeout = TimeSpan.FromMilliseconds(40), BaseBackOff = TimeSpan.FromMilliseconds(1) };
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(silent.Address) with { Timeout = TimeSpan.FromMilliseconds(200), Retry = retry }));
        var started = Stopwatch.GetTimestamp();

        Assert.StartsWith("HTTP/1.1 504 ", await GetAsync(proxy), StringComparison.Ordinal);

        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5));
        Assert.InRange(silent.Connections, 2, 7);
    }

    [Fact]
    public async Task A_try_that_takes_too_long_is_made_elsewhere()
    {
        await using var silent = Silent();
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        var retry = DefaultRetries with { On = RetryOn.Reset, PerTryTimeout = TimeSpan.FromMilliseconds(500) };
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(silent.Address, backend.Address) with { Retry = retry }));

        for (var i = 0; i < 2; i++)
        {
            Assert.StartsWith("HTTP/1.1 200 OK", await GetAsync(proxy), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 3)]
    public async Task A_try_that_takes_too_long_counts_as_a_504_where_504_is_among_the_codes(bool listed, int tries)
    {
        await using var silent = Silent();
        var retry = DefaultRetries with { PerTryTimeout = TimeSpan.FromMilliseconds(50), StatusCodes = listed ? new HashSet<int> { 504 } : [] };
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(silent.Address) with { Retry = retry }));

        Assert.StartsWith("HTTP/1.1 504 ", await GetAsync(proxy), StringComparison.Ordinal);
        Assert.Equal(tries, silent.Connections);
    }

    [Fact]
    public async Task A_limit_ends_an_answer_that_has_begun()
    {
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadMessageAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
            await connection.ReadToResetAsync();
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address) with { Timeout = Short }));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.EndsWith("abc", await client.ReadThroughAsync("abc"), StringComparison.Ordinal);
        Assert.True(await client.ReadToResetAsync());
    }

    [Fact]
    public async Task The_limit_for_a_try_ends_with_the_head_of_the_answer()
    {
        var more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadMessageAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
            await more.Task;
            await connection.SendAsync("def");
        });
        var retry = DefaultRetries with { PerTryTimeout = TimeSpan.FromMilliseconds(500) };
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address) with { Retry = retry }));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
        await client.ReadThroughAsync("abc");
        Assert.False(client.Socket.Poll(TimeSpan.FromMilliseconds(600), System.Net.Sockets.SelectMode.SelectRead));
        more.SetResult();

        Assert.Equal("def", await client.ReadExactlyAsync(3));
    }

    [Fact]
    public async Task A_slow_upload_is_no_timeout()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address) with { Timeout = TimeSpan.FromMilliseconds(50) }));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: 2\r\n\r\na");
        Assert.False(client.Socket.Poll(TimeSpan.FromMilliseconds(150), System.Net.Sockets.SelectMode.SelectRead));
        await client.SendAsync("b");

        Assert.StartsWith("HTTP/1.1 200 OK", await client.ReadMessageAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silence_beyond_the_chains_limit_ends_a_request()
    {
        await using var silent = Silent();
        await using var proxy = await ProxyUnderTest.StartAsync(WithIdleTimeout(Forward(silent.Address)));

        var response = await GetAsync(proxy);

        Assert.StartsWith("HTTP/1.1 408 ", response, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nstream timeout", response, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_in_either_direction_are_no_silence()
    {
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadThroughAsync("\r\n\r\n");
            await connection.SendAsync("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
            while (await connection.ReadExactlyAsync(1) is { Length: 1 } octet)
            {
                await connection.SendAsync(octet);
            }
        });
        await using var proxy = await ProxyUnderTest.StartAsync(WithIdleTimeout(Forward(backend.Address)));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
        await client.ReadThroughAsync("\r\n\r\n");
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < 2 * Idle)
        {
            await client.SendAsync("x");
            Assert.Equal("x", await client.ReadExactlyAsync(1));
            Assert.False(client.Socket.Poll(Idle / 10, System.Net.Sockets.SelectMode.SelectRead));
        }

        Assert.True(await client.ReadToResetAsync() || client.Socket.Available == 0);
    }

    [Theory]
    [InlineData(100, true)]
    [InlineData(0, false)]
    public async Task A_routes_own_limit_of_silence_takes_the_place_of_the_chains(int milliseconds, bool isCut)
    {
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadMessageAsync();
            await Task.Delay(Idle * 2);
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        });
        await using var proxy = await ProxyUnderTest.StartAsync(WithIdleTimeout(Forward(backend.Address) with { IdleTimeout = TimeSpan.FromMilliseconds(milliseconds) }));
        Assert.StartsWith(isCut ? "HTTP/1.1 408 " : "HTTP/1.1 200 ", await GetAsync(proxy), StringComparison.Ordinal);
    }

    private static TimeSpan Idle => TimeSpan.FromMilliseconds(300);

    private static RawBackend Silent() => RawBackend.Serving(async connection => await connection.ReadToResetAsync());

    private static Proxy.Mesh.HttpChain WithIdleTimeout(RouteAction action) => new()
    {
        Name = "test",
        Routes = new RouteTable([RouteTo(action)]),
        StreamIdleTimeout = Idle,
        Upgrades = new HashSet<string> { "websocket" },
    };

    private static async Task<string> GetAsync(ProxyUnderTest proxy)
    {
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
        return await client.ReadMessageAsync();
    }
}
