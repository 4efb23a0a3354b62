using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>What Istio's circuit breaking limits: connections, those who wait for one, requests on one.</summary>
public sealed class CircuitBreakerTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Fact]
    public async Task Beyond_the_connections_requests_wait_and_beyond_those_who_may_wait_they_are_turned_away()
    {
        var held = new TaskCompletionSource();
        await using var backend = Holding(held.Task);
        var slot = SlotOf(Limited(backend, maxConnections: 1, maxPending: 1));
        await using var proxy = await StartAsync(slot);
        await using var first = await SendAsync(proxy);
        await Eventually.HoldsAsync(() => backend.Connections == 1);
        await using var second = await SendAsync(proxy);
        await Task.Delay(50);
        await using var third = await SendAsync(proxy);
        var refusal = await third.ReadMessageAsync();
        Assert.StartsWith("HTTP/1.1 503 ", refusal, StringComparison.Ordinal);
        Assert.Contains("\r\nx-envoy-overloaded: true\r\n", refusal, StringComparison.Ordinal);
        Assert.EndsWith("upstream connect error or disconnect/reset before headers. reset reason: overflow", refusal, StringComparison.Ordinal);
        Assert.Equal(1, slot.Load.Connections.Overflows);

        held.SetResult();
        Assert.EndsWith("ok", await first.ReadMessageAsync(), StringComparison.Ordinal);
        Assert.EndsWith("ok", await second.ReadMessageAsync(), StringComparison.Ordinal);
        Assert.Equal(1, backend.Connections);
        await Eventually.HoldsAsync(() => slot.Load.Connections.Open == 0);
    }

    [Fact]
    public async Task Who_waits_for_longer_than_the_route_allows_is_told_so()
    {
        var held = new TaskCompletionSource();
        await using var backend = Holding(held.Task);
        var slot = SlotOf(Limited(backend, maxConnections: 1, maxPending: 10));
        await using var proxy = await StartAsync(slot, TimeSpan.FromMilliseconds(300));
        await using var first = await SendAsync(proxy);
        await Eventually.HoldsAsync(() => backend.Connections == 1);
        await using var second = await SendAsync(proxy);
        Assert.StartsWith("HTTP/1.1 504 ", await second.ReadMessageAsync(), StringComparison.Ordinal);
        held.SetResult();
        await Eventually.HoldsAsync(() => slot.Load.Connections.Open == 0);
    }

    [Fact]
    public async Task A_client_that_leaves_makes_room_for_another_to_wait()
    {
        var held = new TaskCompletionSource();
        await using var backend = Holding(held.Task);
        var slot = SlotOf(Limited(backend, maxConnections: 1, maxPending: 1));
        await using var proxy = await StartAsync(slot);
        await using var first = await SendAsync(proxy);
        await Eventually.HoldsAsync(() => backend.Connections == 1);
        await using var second = await SendAsync(proxy);
        await Task.Delay(50);
        second.Reset();
        await Task.Delay(100);
        await using var third = await SendAsync(proxy);
        await Task.Delay(50);
        held.SetResult();
        Assert.EndsWith("ok", await third.ReadMessageAsync(), StringComparison.Ordinal);
        Assert.Equal(0, slot.Load.Connections.Overflows);
    }

    [Fact]
    public async Task One_request_a_connection_is_one_request_a_connection()
    {
        // RFC 9112 section 9.6: a server that is told so closes the connection.
        await using var backend = await HttpBackend.StartAsync(context =>
        {
            context.Response.Headers["x-connection"] = context.Connection.Id;
            return Task.CompletedTask;
        });
        var cluster = new Cluster
        {
            Name = "limited",
            Endpoints = [new Endpoint { Address = backend.Http1, State = new EndpointState() }],
            MaxRequestsPerConnection = 1,
        };
        await using var proxy = await StartAsync(SlotOf(cluster));
        var connections = new HashSet<string>();
        for (var i = 0; i < 3; i++)
        {
            await using var client = await SendAsync(proxy);
            var answer = await client.ReadMessageAsync();
            connections.Add(answer.Split("\r\n").Single(line => line.StartsWith("x-connection", StringComparison.Ordinal)));
            Assert.DoesNotContain("Connection: close", answer, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Equal(3, connections.Count);
    }

    [Theory]
    [InlineData(null, null, false, "client:80", null)]
    [InlineData("route", null, false, "route", "client:80")]
    [InlineData("route", "share", false, "share", "client:80")]
    [InlineData(null, "share", false, "share", "client:80")]
    [InlineData(null, null, true, "endpoint.example", "client:80")]
    public async Task The_authority_is_what_the_narrowest_says_and_the_clients_own_goes_along(string? route, string? share, bool endpoint, string host, string? original)
    {
        await using var backend = RawBackend.Answering(Ok);
        var cluster = new Cluster
        {
            Name = "named",
            Endpoints = [new Endpoint { Address = backend.Address, Hostname = "endpoint.example", State = new EndpointState() }],
        };
        var action = new ForwardAction(new WeightedClusters([Share(cluster) with { HostRewrite = share }])) { HostRewrite = route, HostFollowsEndpoint = endpoint, AppendsForwardedHost = true };
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(action));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: client:80\r\nx-envoy-original-host: forged\r\n\r\n");
        await client.ReadMessageAsync();
        Assert.Contains($"\r\nHost: {host}\r\n", backend.Request, StringComparison.Ordinal);
        Assert.Contains($"\r\nx-envoy-original-host: {original ?? "forged"}\r\n", backend.Request, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(original is not null, backend.Request.Contains("\r\nx-forwarded-host: client:80\r\n", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("x-to: other.example\r\n", "other.example")]
    [InlineData("", "echo")]
    public async Task The_authority_may_be_the_value_of_a_header(string header, string host)
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Address) with { HostRewriteHeader = "x-to" }));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: echo\r\n{header}\r\n");
        await client.ReadMessageAsync();
        Assert.Contains($"\r\nHost: {host}\r\n", backend.Request, StringComparison.Ordinal);
    }

    private static RawBackend Holding(Task held) => RawBackend.Serving(async connection =>
    {
        while (await connection.ReadMessageAsync() is { Length: > 0 })
        {
            await held;
            await connection.SendAsync(Ok);
        }
    });

    private static Cluster Limited(RawBackend backend, uint maxConnections, uint maxPending) => new()
    {
        Name = "limited",
        Endpoints = [new Endpoint { Address = backend.Address, State = new EndpointState() }],
        CircuitBreakers = new CircuitBreakers { MaxConnections = maxConnections, MaxPendingRequests = maxPending },
    };

    private static Task<ProxyUnderTest> StartAsync(ClusterSlot slot, TimeSpan timeout = default) =>
        ProxyUnderTest.StartAsync(RouteTo(
            new ForwardAction(new WeightedClusters([new WeightedCluster(slot, 1, HeaderMutations.None, HeaderMutations.None)])) { Timeout = timeout }));

    private static async Task<RawConnection> SendAsync(ProxyUnderTest proxy)
    {
        var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
        return client;
    }
}
