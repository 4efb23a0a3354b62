using System.Text.RegularExpressions;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Routing;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>What of a request leads it to the same backend again.</summary>
public sealed class AffinityTests
{
    [Fact]
    public async Task A_header_leads_to_one_backend_and_other_values_to_others()
    {
        await using var mesh = await Backends.StartAsync(new HeaderHash("x-user"));
        var users = Enumerable.Range(0, 30).ToArray();
        var first = await Task.WhenAll(users.Select(user => mesh.AskAsync($"X-User: {user}\r\n")));
        var second = await Task.WhenAll(users.Select(user => mesh.AskAsync($"X-User: {user}\r\n")));
        Assert.Equal(first, second);
        Assert.Equal(3, first.Distinct().Count());
        Assert.Equal(await mesh.AskAsync("X-User: a\r\nX-User: b\r\n"), await mesh.AskAsync("X-User: b\r\nX-User: a\r\n"));
    }

    [Fact]
    public async Task Of_a_header_only_what_an_expression_leaves_may_count()
    {
        await using var mesh = await Backends.StartAsync(new HeaderHash("x-user") { Pattern = Re2Pattern.Search("^([^/]*)/.*$"), Substitution = @"\1" });
        var answers = new HashSet<string>();
        for (var i = 0; i < 20; i++)
        {
            answers.Add(await mesh.AskAsync($"X-User: same/{i}\r\n"));
        }

        Assert.Single(answers);
    }

    [Fact]
    public async Task Without_the_header_all_backends_get_requests()
    {
        await using var mesh = await Backends.StartAsync(new HeaderHash("x-user"));
        var answers = new HashSet<string>();
        for (var i = 0; i < 60; i++)
        {
            answers.Add(await mesh.AskAsync(""));
        }

        Assert.Equal(3, answers.Count);
    }

    [Fact]
    public async Task A_client_without_the_cookie_is_given_one_that_leads_it_back()
    {
        await using var mesh = await Backends.StartAsync(new CookieHash("sticky")
        {
            Lifetime = TimeSpan.FromHours(1),
            Path = "/shop",
            Attributes = [new("SameSite", "Strict"), new("Secure", "")],
        });
        for (var i = 0; i < 10; i++)
        {
            var (body, head) = await mesh.AskWithHeadAsync("");
            var cookie = Regex.Match(head, "\r\nSet-Cookie: sticky=\"([0-9a-f]{16})\"; Max-Age=3600; Path=/shop; SameSite=Strict; Secure; HttpOnly\r\n");
            Assert.True(cookie.Success, head);
            var (again, second) = await mesh.AskWithHeadAsync($"Cookie: a=b; sticky={cookie.Groups[1]}\r\n");
            Assert.Equal(body, again);
            Assert.DoesNotContain("Set-Cookie", second, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task Without_a_lifetime_no_cookie_is_given()
    {
        await using var mesh = await Backends.StartAsync(new CookieHash("sticky"));
        Assert.DoesNotContain("Set-Cookie", (await mesh.AskWithHeadAsync("")).Head, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_cookie_of_the_session_has_no_age()
    {
        await using var mesh = await Backends.StartAsync(new CookieHash("sticky") { Lifetime = TimeSpan.Zero });
        Assert.Matches("\r\nSet-Cookie: sticky=\"[0-9a-f]{16}\"; HttpOnly\r\n", (await mesh.AskWithHeadAsync("")).Head);
    }

    [Fact]
    public async Task The_clients_address_leads_all_its_requests_to_one_backend()
    {
        await using var mesh = await Backends.StartAsync(new SourceAddressHash());
        Assert.Single((await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => mesh.AskAsync("")))).Distinct());
    }

    [Fact]
    public async Task A_query_parameter_leads_to_one_backend()
    {
        await using var mesh = await Backends.StartAsync(new QueryHash("user"));
        for (var user = 0; user < 10; user++)
        {
            Assert.Equal(await mesh.AskAsync("", $"/?user={user}"), await mesh.AskAsync("", $"/other?a=b&user={user}&user=x"));
        }
    }

    [Fact]
    public async Task What_comes_after_a_terminal_policy_that_found_something_does_not_count()
    {
        await using var mesh = await Backends.StartAsync(new HeaderHash("x-first") { IsTerminal = true }, new HeaderHash("x-second"));
        var answers = new HashSet<string>();
        var others = new HashSet<string>();
        for (var i = 0; i < 20; i++)
        {
            answers.Add(await mesh.AskAsync($"X-First: a\r\nX-Second: {i}\r\n"));
            others.Add(await mesh.AskAsync($"X-Second: {i}\r\n"));
        }

        Assert.Single(answers);
        Assert.Equal(3, others.Count);
    }

    [Fact]
    public async Task Two_policies_of_equal_values_do_not_cancel_each_other_out()
    {
        await using var mesh = await Backends.StartAsync(new HeaderHash("x-first"), new HeaderHash("x-second"));
        var answers = new HashSet<string>();
        for (var i = 0; i < 30; i++)
        {
            answers.Add(await mesh.AskAsync($"X-First: {i}\r\nX-Second: {i}\r\n"));
        }

        Assert.Equal(3, answers.Count);
    }

    /// <summary>Three backends that say who they are, behind a ring.</summary>
    private sealed class Backends(ProxyUnderTest proxy, RawBackend[] backends) : IAsyncDisposable
    {
        public static async Task<Backends> StartAsync(params HashPolicy[] policies)
        {
            RawBackend[] backends = [.. Enumerable.Range(0, 3).Select(number => RawBackend.Answering($"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}"))];
            var cluster = new Cluster
            {
                Name = "sticky",
                Endpoints = [.. backends.Select(b => new Endpoint { Address = b.Address, State = new EndpointState() })],
                Balancing = new Balancing { Policy = LoadBalancingPolicy.RingHash },
                CircuitBreakers = new CircuitBreakers { MaxRequests = uint.MaxValue },
            };
            return new Backends(await ProxyUnderTest.StartAsync(RouteTo(Forward(cluster) with { HashPolicies = policies })), backends);
        }

        public async Task<string> AskAsync(string headers, string target = "/") => (await AskWithHeadAsync(headers, target)).Body;

        public async Task<(string Body, string Head)> AskWithHeadAsync(string headers, string target = "/")
        {
            await using var client = await RawConnection.ConnectAsync(proxy.Http1);
            await client.SendAsync($"GET {target} HTTP/1.1\r\nHost: echo\r\n{headers}\r\n");
            var answer = await client.ReadMessageAsync();
            return (answer[^1..], answer[..^1]);
        }

        public async ValueTask DisposeAsync()
        {
            await proxy.DisposeAsync();
            foreach (var backend in backends)
            {
                await backend.DisposeAsync();
            }
        }
    }
}
