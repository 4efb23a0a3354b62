using System.Net;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Routing;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Forwarding;

public sealed class MirrorTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Fact]
    public async Task A_mirror_hears_what_the_backend_hears()
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var mirror = RawBackend.Answering("HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nno!");
        await using var proxy = await StartAsync(backend, (mirror.Address, 1, 1));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("POST /a%2Fb?c HTTP/1.1\r\nHost: echo\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello");

        Assert.EndsWith("\r\n\r\nok", await client.ReadMessageAsync(), StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => !mirror.Requests.IsEmpty);
        Assert.Equal(backend.Request, mirror.Request);
    }

    [Fact]
    public async Task All_mirrors_of_a_route_hear_a_request()
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var one = RawBackend.Answering(Ok);
        await using var two = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(backend, (one.Address, 1, 1), (two.Address, 1, 1));

        await GetAsync(proxy);

        await Eventually.HoldsAsync(() => one.Requests.Count == 1 && two.Requests.Count == 1);
    }

    [Fact]
    public async Task A_fraction_of_the_requests_is_copied()
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var mirror = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(backend, (mirror.Address, 500_000, 1_000_000));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        for (var i = 0; i < 400; i++)
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
            await client.ReadMessageAsync();
        }

        // Six standard deviations of a binomial with n = 400 and p = 0.5.
        await Eventually.HoldsAsync(() => mirror.Requests.Count >= 140);
        Assert.InRange(mirror.Requests.Count, 140, 260);
        Assert.Equal(400, backend.Requests.Count);
    }

    [Fact]
    public async Task A_mirror_that_is_dead_or_silent_or_unknown_costs_nothing()
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var silent = RawBackend.Serving(async connection => await connection.ReadToResetAsync());
        var action = Forward(backend.Address) with
        {
            Mirrors =
            [
                new Mirror(SlotOf(ClusterOf(UpstreamProtocol.Http1, Refusing())), 1, 1),
                new Mirror(SlotOf(ClusterOf(UpstreamProtocol.Http1, silent.Address)), 1, 1),
                new Mirror(SlotOf(ClusterOf(UpstreamProtocol.Http1)), 1, 1),
                new Mirror(new ClusterSlot("never sent"), 1, 1),
            ],
        };
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(action));

        for (var i = 0; i < 20; i++)
        {
            Assert.StartsWith("HTTP/1.1 200 OK", await GetAsync(proxy), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_mirror_too_slow_for_a_large_body_is_given_up_and_the_backend_gets_all_of_it()
    {
        const int Length = 4 * 1024 * 1024;
        await using var backend = await HttpBackend.StartAsync(async context =>
        {
            var length = 0L;
            var buffer = new byte[64 * 1024];
            while (await context.Request.Body.ReadAsync(buffer) is > 0 and var count)
            {
                length += count;
            }

            context.Response.Headers["x-length"] = length.ToString(System.Globalization.CultureInfo.InvariantCulture);
        });
        var stalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var mirror = RawBackend.Serving(async connection =>
        {
            await connection.ReadThroughAsync("\r\n\r\n");
            await stalled.Task;
            try
            {
                ended.SetResult(await connection.ReadToEndAsync());
            }
            catch (System.Net.Sockets.SocketException)
            {
                ended.SetResult("reset");
            }
        });
        await using var proxy = await StartAsync(Forward(backend.Http1), (mirror.Address, 1, 1));
        using var client = new HttpClient();

        var response = await client.PostAsync(new Uri($"http://{proxy.Http1}/"), new ByteArrayContent(new byte[Length]));
        stalled.SetResult();

        Assert.Equal(Length.ToString(System.Globalization.CultureInfo.InvariantCulture), response.Headers.GetValues("x-length").Single());
        Assert.NotEqual(Length, (await ended.Task.WaitAsync(TimeSpan.FromSeconds(10))).Length);
    }

    private static Task<ProxyUnderTest> StartAsync(RawBackend backend, params (IPEndPoint Address, uint Numerator, uint Denominator)[] mirrors) =>
        StartAsync(Forward(backend.Address), mirrors);

    private static Task<ProxyUnderTest> StartAsync(ForwardAction action, params (IPEndPoint Address, uint Numerator, uint Denominator)[] mirrors) =>
        ProxyUnderTest.StartAsync(RouteTo(action with
        {
            Mirrors = [.. mirrors.Select(m => new Mirror(SlotOf(ClusterOf(UpstreamProtocol.Http1, m.Address)), m.Numerator, m.Denominator))],
        }));

    private static async Task<string> GetAsync(ProxyUnderTest proxy)
    {
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
        return await client.ReadMessageAsync();
    }
}
