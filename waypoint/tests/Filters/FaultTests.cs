using System.Diagnostics;
using System.Text;
using Envoy.Extensions.Filters.Http.Fault.V3;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;

using Waypoint.Proxy.Telemetry.AccessLogging;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Filters;

/// <summary>The answers are those of a real Envoy 1.39 with the same configuration.</summary>
public sealed class FaultTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const string All = "\"percentage\": {\"numerator\": 100}";

    [Fact]
    public async Task An_aborted_request_never_reaches_the_backend()
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(backend, """{"abort": {"httpStatus": 418, ALL}}""");
        var answer = await GetAsync(proxy);
        Assert.StartsWith("HTTP/1.1 418 ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: text/plain\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nfault filter abort", answer, StringComparison.Ordinal);
        Assert.Empty(backend.Requests);
    }

    [Theory]
    [InlineData("{\"httpStatus\": 418, ALL}", "", "HTTP/1.1 200 OK", "Grpc-Status: 2")]
    [InlineData("{\"grpcStatus\": 14, ALL}", "", "HTTP/1.1 200 OK", "Grpc-Status: 14")]
    [InlineData("{\"headerAbort\": {}, ALL}", "x-envoy-fault-abort-grpc-request: 5\r\n", "HTTP/1.1 200 OK", "Grpc-Status: 5")]
    public async Task A_grpc_client_gets_a_status_of_grpc(string abort, string headers, string status, string grpc)
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(backend, "{\"abort\": " + abort + "}");
        var answer = await GetAsync(proxy, $"Content-Type: application/grpc\r\n{headers}");
        Assert.StartsWith(status, answer, StringComparison.Ordinal);
        Assert.Contains($"\r\n{grpc}\r\n", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\r\nGrpc-Message: fault filter abort\r\n", answer, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Another_client_gets_a_status_of_grpc_as_a_body()
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(backend, """{"abort": {"grpcStatus": 14, ALL}}""");
        var answer = await GetAsync(proxy);
        Assert.StartsWith("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nfault filter abort", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x-envoy-fault-abort-request: 599\r\n", "HTTP/1.1 599 ")]
    [InlineData("x-envoy-fault-abort-request: 700\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2")]
    [InlineData("x-envoy-fault-abort-request: x\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2")]
    [InlineData("x-envoy-fault-abort-request: 503\r\nx-envoy-fault-abort-request-percentage: 0\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2")]
    [InlineData("", "HTTP/1.1 200 OK\r\nContent-Length: 2")]
    public async Task A_request_may_ask_for_its_own_abort_where_that_is_allowed(string headers, string start)
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(backend, """{"abort": {"headerAbort": {}, ALL}}""");
        Assert.StartsWith(start, await GetAsync(proxy, headers), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_cannot_ask_for_what_the_configuration_does_not_offer()
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(backend, """{"abort": {"headerAbort": {}}}""");
        Assert.StartsWith(
            "HTTP/1.1 200 ",
            await GetAsync(proxy, "x-envoy-fault-abort-request: 503\r\nx-envoy-fault-abort-request-percentage: 100\r\n"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_delay_comes_before_the_backend_and_an_abort_after_it_and_the_log_says_both()
    {
        var output = new MemoryStream();
        await using var backend = RawBackend.Answering(Ok);
        await using (var proxy = await ProxyUnderTest.StartAsync(
            FilteredProxy.Chain(Forward(backend.Address), new HTTPFault(), Fault("""{"delay": {"fixedDelay": "0.1s", ALL}, "abort": {"httpStatus": 503, ALL}}""")),
            services => services.AddSingleton(new AccessLogSettings(output, Always: false))))
        {
            var started = Stopwatch.GetTimestamp();
            Assert.StartsWith("HTTP/1.1 503 ", await GetAsync(proxy), StringComparison.Ordinal);
            Assert.InRange(Stopwatch.GetElapsedTime(started).TotalMilliseconds, 95, 5000);
            Assert.Empty(backend.Requests);
        }

        Assert.Matches("\" 503 DI,FI fault_filter_abort - \"-\" 0 18 [0-9]{2,4} ", Encoding.Latin1.GetString(output.ToArray()));
    }

    [Fact]
    public async Task A_delayed_request_goes_on_and_the_backends_own_time_does_not_count_the_delay()
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(backend, """{"delay": {"headerDelay": {}, ALL}}""");
        var started = Stopwatch.GetTimestamp();
        var answer = await GetAsync(proxy, "x-envoy-fault-delay-request: 200\r\n");
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalMilliseconds, 195, 5000);
        Assert.EndsWith("\r\n\r\nok", answer, StringComparison.Ordinal);
        Assert.Matches(@"\r\nx-envoy-upstream-service-time: 1?\d?\d\r\n", answer);
    }

    [Fact]
    public async Task A_client_that_leaves_ends_the_delay()
    {
        var output = new MemoryStream();
        await using var backend = RawBackend.Answering(Ok);
        await using (var proxy = await ProxyUnderTest.StartAsync(
            FilteredProxy.Chain(Forward(backend.Address), new HTTPFault(), Fault("""{"delay": {"fixedDelay": "60s", ALL}}""")),
            services => services.AddSingleton(new AccessLogSettings(output, Always: false))))
        {
            await using var client = await RawConnection.ConnectAsync(proxy.Http1);
            await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
            await Task.Delay(50);
            client.Reset();
            await Eventually.HoldsAsync(() => output.Length > 0);
        }

        Assert.Contains("\" 0 DI,DC downstream_remote_disconnect ", Encoding.Latin1.GetString(output.ToArray()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"numerator\": 30", 300)]
    [InlineData("\"numerator\": 3000, \"denominator\": \"TEN_THOUSAND\"", 300)]
    [InlineData("\"numerator\": 300000, \"denominator\": \"MILLION\"", 300)]
    [InlineData("\"numerator\": 0", 0)]
    public async Task So_many_suffer_as_the_percentage_says(string percentage, int expected)
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(backend, "{\"abort\": {\"httpStatus\": 500, \"percentage\": {" + percentage + "}}}");
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        var aborted = 0;
        for (var i = 0; i < 1000; i++)
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
            aborted += (await client.ReadMessageAsync()).StartsWith("HTTP/1.1 500 ", StringComparison.Ordinal) ? 1 : 0;
        }

        // Six standard deviations of a thousand draws.
        Assert.InRange(aborted, expected - (expected * 87 / 300), expected + (expected * 87 / 300));
    }

    [Theory]
    [InlineData("\"headers\": [{\"name\": \"x-user\", \"stringMatch\": {\"exact\": \"eve\"}}]", "X-User: eve\r\n", "X-User: bob\r\n")]
    [InlineData("\"downstreamNodes\": [\"a\", \"b\"]", "x-envoy-downstream-service-node: b\r\n", "x-envoy-downstream-service-node: c\r\n")]
    [InlineData("\"upstreamCluster\": \"inbound-vip|80|http|echo.shop.svc.cluster.local\"", "", null)]
    [InlineData("\"upstreamCluster\": \"another\"", null, "")]
    public async Task Only_requests_that_meet_all_conditions_suffer(string condition, string? struck, string? spared)
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(backend, "{\"abort\": {\"httpStatus\": 500, ALL}, " + condition + "}");
        if (struck is not null)
        {
            Assert.StartsWith("HTTP/1.1 500 ", await GetAsync(proxy, struck), StringComparison.Ordinal);
        }

        if (spared is not null)
        {
            Assert.StartsWith("HTTP/1.1 200 ", await GetAsync(proxy, spared), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task No_more_requests_suffer_at_one_time_than_may()
    {
        await using var backend = RawBackend.Answering(Ok);
        await using var proxy = await StartAsync(backend, """{"delay": {"headerDelay": {}, ALL}, "maxActiveFaults": 1}""");
        await using var delayed = await RawConnection.ConnectAsync(proxy.Http1);
        await delayed.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\nx-envoy-fault-delay-request: 60000\r\n\r\n");
        await Task.Delay(100);
        Assert.EndsWith("ok", await GetAsync(proxy, "x-envoy-fault-delay-request: 60000\r\n"), StringComparison.Ordinal);

        delayed.Reset();
        while (!await IsDelayedAsync(proxy))
        {
            await Task.Delay(10);
        }
    }

    [Fact]
    public async Task What_the_route_says_takes_the_place_of_what_the_chain_says()
    {
        await using var backend = RawBackend.Answering(Ok);
        var chain = Fault("""{"abort": {"httpStatus": 500, ALL}}""");
        await using (var proxy = await FilteredProxy.StartAsync(Forward(backend.Address), chain))
        {
            Assert.StartsWith("HTTP/1.1 500 ", await GetAsync(proxy), StringComparison.Ordinal);
        }

        await using (var proxy = await FilteredProxy.StartAsync(Forward(backend.Address), chain, Fault("{}")))
        {
            Assert.StartsWith("HTTP/1.1 200 ", await GetAsync(proxy), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{"abort": {"httpStatus": 99}}""", "abort.http_status: 99 is not a status from 200 to 599")]
    [InlineData("""{"abort": {}}""", "abort: neither a status nor one by header")]
    [InlineData("""{"delay": {}}""", "delay: neither a fixed delay nor one by header")]
    public void What_cannot_be_done_is_refused(string fault, string reason) =>
        Assert.EndsWith(
            reason,
            Assert.Throws<ResourceException>(() => FilteredProxy.Chain(Forward(), Fault(fault), null)).Message,
            StringComparison.Ordinal);

    private static HTTPFault Fault(string json) => JsonParser.Default.Parse<HTTPFault>(json.Replace("ALL", All, StringComparison.Ordinal));

    private static Task<ProxyUnderTest> StartAsync(RawBackend backend, string route) =>
        FilteredProxy.StartAsync(Forward(backend.Address), new HTTPFault(), Fault(route));

    private static async Task<string> GetAsync(ProxyUnderTest proxy, string headers = "")
    {
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: echo\r\n{headers}\r\n");
        return await client.ReadMessageAsync();
    }

    private static async Task<bool> IsDelayedAsync(ProxyUnderTest proxy)
    {
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\nx-envoy-fault-delay-request: 60000\r\n\r\n");
        var answer = client.ReadMessageAsync();
        return await Task.WhenAny(answer, Task.Delay(200)) != answer;
    }
}
