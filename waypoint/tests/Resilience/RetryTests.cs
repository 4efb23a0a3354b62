using System.Collections.Concurrent;
using System.Net;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Resilience;
using Waypoint.Proxy.Tests.Forwarding;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Resilience;

public sealed class RetryTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const string Unavailable = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";

    private static readonly RetryPolicy On503 = DefaultRetries with { StatusCodes = new HashSet<int> { 503 } };
    private static readonly RetryPolicy OnReset = DefaultRetries with { On = RetryOn.Reset };

    [Fact]
    public async Task A_refused_connection_is_tried_on_another_endpoint()
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(DefaultRetries, Refusing(), Refusing(), backend.Address);

        for (var i = 0; i < 6; i++)
        {
            Assert.StartsWith("HTTP/1.1 200 OK", await GetAsync(proxy), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_refused_connection_without_a_policy_is_a_503()
    {
        await using var proxy = await StartAsync(null, Refusing());

        var response = await GetAsync(proxy);

        Assert.StartsWith("HTTP/1.1 503 Service Unavailable\r\n", response, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nupstream connect error or disconnect/reset before headers. reset reason: remote connection failure", response, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_every_try_fails_the_answer_says_that_it_was_retried()
    {
        await using var proxy = await StartAsync(DefaultRetries, Refusing());

        Assert.EndsWith(
            "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote connection failure",
            await GetAsync(proxy),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_status_of_the_policy_is_tried_again_and_no_host_is_asked_twice()
    {
        await using var busy = RawBackend.Answering(Unavailable);
        await using var busyToo = RawBackend.Answering(Unavailable);
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(On503, busy.Address, busyToo.Address, backend.Address);

        for (var i = 0; i < 9; i++)
        {
            Assert.StartsWith("HTTP/1.1 200 OK", await GetAsync(proxy), StringComparison.Ordinal);
        }

        Assert.InRange(busy.Requests.Count, 0, 9);
        Assert.Equal(9, backend.Requests.Count);
    }

    [Fact]
    public async Task When_the_retries_are_used_up_the_last_answer_is_the_clients()
    {
        await using var backend = RawBackend.Answering(Unavailable);
        await using var proxy = await StartAsync(On503, backend.Address);

        var response = await GetAsync(proxy);

        Assert.StartsWith("HTTP/1.1 503 Service Unavailable\r\n", response, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nbusy", response, StringComparison.Ordinal);
        Assert.Equal(3, backend.Requests.Count);
    }

    [Theory]
    [InlineData("500 X", RetryOn.RetriableStatusCodes, 1)]
    [InlineData("503 X", RetryOn.RetriableStatusCodes, 3)]
    [InlineData("500 X", RetryOn.ServerError5xx, 3)]
    [InlineData("500 X", RetryOn.GatewayError, 1)]
    [InlineData("502 X", RetryOn.GatewayError, 3)]
    [InlineData("409 X", RetryOn.Retriable4xx, 3)]
    [InlineData("404 X", RetryOn.Retriable4xx | RetryOn.ServerError5xx, 1)]
    [InlineData("503 X", RetryOn.ConnectFailure, 1)]
    public async Task Only_the_statuses_of_the_policy_are_tried_again(string status, object on, int tries)
    {
        await using var backend = RawBackend.Answering($"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        await using var proxy = await StartAsync(On503 with { On = (RetryOn)on }, backend.Address);

        Assert.StartsWith($"HTTP/1.1 {status}\r\n", await GetAsync(proxy), StringComparison.Ordinal);
        Assert.Equal(tries, backend.Requests.Count);
    }

    [Fact]
    public async Task A_connection_that_ends_before_the_answer_is_tried_again_where_the_policy_says_reset()
    {
        await using var breaking = RawBackend.Breaking();
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(OnReset, breaking.Address, backend.Address);

        for (var i = 0; i < 4; i++)
        {
            Assert.StartsWith("HTTP/1.1 200 OK", await GetAsync(proxy), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_connection_that_ends_before_the_answer_is_not_tried_again_under_istios_default()
    {
        await using var breaking = RawBackend.Breaking();
        await using var proxy = await StartAsync(DefaultRetries, breaking.Address);

        Assert.EndsWith("reset reason: connection termination", await GetAsync(proxy), StringComparison.Ordinal);
        Assert.Single(breaking.Requests);
    }

    [Theory]
    [InlineData("Content-Length: 40000", 40_000)]
    [InlineData("Transfer-Encoding: chunked", 65_536)]
    public async Task A_body_of_up_to_64_kib_is_sent_again_whole(string framing, int length)
    {
        var body = Letters(length);
        await using var busy = RawBackend.Answering(Unavailable);
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(On503, busy.Address, backend.Address);

        for (var i = 0; i < 2; i++)
        {
            Assert.StartsWith("HTTP/1.1 200 OK", await PostAsync(proxy, framing, body), StringComparison.Ordinal);
        }

        Assert.NotEmpty(busy.Requests);
        Assert.All(backend.Requests, request => Assert.Equal(body, BodyOf(request)));
    }

    [Fact]
    public async Task A_larger_body_is_not_sent_again()
    {
        await using var backend = RawBackend.Answering(Unavailable);
        await using var proxy = await StartAsync(On503, backend.Address);

        Assert.StartsWith("HTTP/1.1 503", await PostAsync(proxy, "Content-Length: 65537", Letters(65_537)), StringComparison.Ordinal);
        Assert.Single(backend.Requests);
    }

    [Fact]
    public async Task A_body_that_broke_off_half_way_is_sent_again_whole()
    {
        var body = Letters(60_000);
        await using var breaking = RawBackend.Serving(async connection =>
        {
            await connection.ReadExactlyAsync(1000);
            connection.Reset();
        });
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(OnReset, breaking.Address, backend.Address);

        for (var i = 0; i < 2; i++)
        {
            Assert.StartsWith("HTTP/1.1 200 OK", await PostAsync(proxy, "Content-Length: 60000", body), StringComparison.Ordinal);
        }

        Assert.All(backend.Requests, request => Assert.Equal(body, BodyOf(request)));
    }

    [Fact]
    public async Task Nothing_is_tried_again_once_the_client_has_the_head()
    {
        await using var breaking = RawBackend.Serving(async connection =>
        {
            await connection.ReadMessageAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        });
        await using var proxy = await StartAsync(OnReset, breaking.Address);
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.True(await client.ReadToResetAsync());
        Assert.Equal(1, breaking.Connections);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task A_request_is_heard_once_when_its_connection_ends_without_an_answer(string method)
    {
        await using var breaking = RawBackend.Breaking();
        await using var proxy = await StartAsync(null, breaking.Address);
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);

        await client.SendAsync($"{method} / HTTP/1.1\r\nHost: echo\r\n\r\n");

        Assert.EndsWith("reset reason: connection termination", await client.ReadMessageAsync(), StringComparison.Ordinal);
        Assert.Single(breaking.Requests);
    }

    [Fact]
    public async Task A_post_on_a_dead_pooled_connection_is_not_sent_twice()
    {
        // The first request of each connection is answered; the connection ends at the second.
        var posts = new ConcurrentQueue<string>();
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadMessageAsync();
            await connection.SendAsync(Ok);
            if (await connection.ReadMessageAsync() is { Length: > 0 } second)
            {
                posts.Enqueue(second);
            }
        });
        await using var proxy = await StartAsync(null, backend.Address);

        Assert.StartsWith("HTTP/1.1 200 OK", await GetAsync(proxy), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 503 ", await PostAsync(proxy, "Content-Length: 0", ""), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 OK", await GetAsync(proxy), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 503 ", await PostAsync(proxy, "Content-Length: 2", "ab"), StringComparison.Ordinal);
        Assert.Equal(2, posts.Count);
    }

    [Fact]
    public async Task Retries_stay_within_the_budget()
    {
        var waiting = new ConcurrentQueue<TaskCompletionSource>();
        await using var backend = RawBackend.Serving(async connection =>
        {
            while (await connection.ReadMessageAsync() is { Length: > 0 } request)
            {
                if (request.Contains("/slow", StringComparison.Ordinal))
                {
                    var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    waiting.Enqueue(release);
                    await release.Task;
                }

                await connection.SendAsync(Unavailable);
            }
        });
        var cluster = ClusterOf(UpstreamProtocol.Http1, backend.Address);
        var action = Forward(cluster) with { Retry = On503 with { Retries = 1 } };
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(action));
        var load = action.Clusters.Shares[0].Cluster.Load;

        // Three retries under way are the floor of the budget; a fourth request is answered without one.
        for (var i = 0; i < 3; i++)
        {
            Assert.True(load.TryStartRetry(cluster.CircuitBreakers));
        }

        Assert.EndsWith("busy", await GetAsync(proxy), StringComparison.Ordinal);
        Assert.Equal(1, load.RetryOverflows);
        load.EndRetry();
        Assert.EndsWith("busy", await GetAsync(proxy), StringComparison.Ordinal);
        Assert.Equal(1, load.RetryOverflows);
        Assert.Equal(2, load.ActiveRetries);
        Assert.Equal(0, load.ActiveRequests);
        Assert.Empty(waiting);
    }

    [Fact]
    public void A_budget_grows_with_the_requests_under_way()
    {
        var load = new ClusterLoad();
        var limits = new CircuitBreakers { MaxRequests = uint.MaxValue, MaxRetries = uint.MaxValue, RetryBudget = new RetryBudget(20, 3) };
        for (var i = 0; i < 50; i++)
        {
            Assert.True(load.TryStartRequest(limits));
        }

        Assert.Equal(10, Enumerable.Range(0, 50).Count(_ => load.TryStartRetry(limits)));
        Assert.Equal(40, load.RetryOverflows);
    }

    [Fact]
    public async Task A_cluster_at_its_limit_turns_requests_away()
    {
        await using var backend = RawBackend.Answering(Ok);
        var action = Forward(backend.Address);
        var slot = action.Clusters.Shares[0].Cluster;
        var breakers = new CircuitBreakers { MaxRequests = 1 };
        slot.Current = new Cluster { Name = "a", Endpoints = slot.Current!.Endpoints, CircuitBreakers = breakers };
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(action));

        Assert.True(slot.Load.TryStartRequest(breakers));
        var response = await GetAsync(proxy);
        slot.Load.EndRequest();

        Assert.StartsWith("HTTP/1.1 503 ", response, StringComparison.Ordinal);
        Assert.Contains("\r\nx-envoy-overloaded: true\r\n", response, StringComparison.Ordinal);
        Assert.EndsWith("reset reason: overflow", response, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 OK", await GetAsync(proxy), StringComparison.Ordinal);
    }

    [Fact]
    public void A_back_off_doubles_under_full_jitter_and_has_a_ceiling()
    {
        var policy = OnReset with { Retries = 8 };
        for (var round = 0; round < 200; round++)
        {
            using var state = new RetryState(policy, new ClusterLoad(), new CircuitBreakers());
            foreach (var ceiling in new[] { 25, 50, 100, 200, 250, 250, 250, 250 })
            {
                Assert.Equal(RetryVerdict.Retry, state.Judge(new(Proxy.Forwarding.UpstreamFailureKind.Terminated), canReplay: true));
                Assert.InRange(state.BackOff().TotalMilliseconds, 0, ceiling);
            }

            Assert.Equal(RetryVerdict.LimitExceeded, state.Judge(new(Proxy.Forwarding.UpstreamFailureKind.Terminated), canReplay: true));
        }
    }

    [Fact]
    public async Task No_endpoint_is_a_503_without_healthy_upstream()
    {
        await using var proxy = await StartAsync(DefaultRetries);

        var response = await GetAsync(proxy);

        Assert.StartsWith("HTTP/1.1 503 Service Unavailable\r\n", response, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nno healthy upstream", response, StringComparison.Ordinal);
    }

    private static Task<ProxyUnderTest> StartAsync(RetryPolicy? policy, params IPEndPoint[] endpoints) =>
        ProxyUnderTest.StartAsync(RouteTo(Forward(endpoints) with { Retry = policy }));

    private static async Task<string> GetAsync(ProxyUnderTest proxy)
    {
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
        return await client.ReadMessageAsync();
    }

    private static async Task<string> PostAsync(ProxyUnderTest proxy, string framing, string body)
    {
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        var sent = framing.EndsWith("chunked", StringComparison.Ordinal) ? $"{body.Length:x}\r\n{body}\r\n0\r\n\r\n" : body;
        await client.SendAsync($"POST / HTTP/1.1\r\nHost: echo\r\n{framing}\r\n\r\n{sent}");
        return await client.ReadMessageAsync();
    }

    private static string BodyOf(string request)
    {
        var body = request[(request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        return request.Contains("chunked", StringComparison.Ordinal)
            ? string.Concat(body.Split("\r\n").Where((_, i) => i % 2 == 1))
            : body;
    }

    private static string Letters(int count) => string.Create(count, 0, static (span, _) =>
    {
        for (var i = 0; i < span.Length; i++)
        {
            span[i] = (char)('a' + (i * 7 % 26));
        }
    });
}
