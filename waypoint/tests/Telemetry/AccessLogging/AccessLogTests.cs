using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Waypoint.Proxy.Resilience;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry.AccessLogging;
using Waypoint.Proxy.Tests.Forwarding;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Telemetry.AccessLogging;

/// <summary>The lines that a real Envoy 1.39 with istiod's format wrote for the same situations, but for times, ports and ids.</summary>
public sealed class AccessLogTests
{
    private const string Cluster = "inbound-vip|80|http|echo.shop.svc.cluster.local";

    [Fact]
    public async Task An_answer_of_the_backend()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");

        await AssertLineAsync(
            Forward(backend.Address),
            "POST /a%2Fb?c HTTP/1.1\r\nHost: localhost:9100\r\nUser-Agent: curl/7.88.1\r\nX-Request-Id: mine\r\nX-Forwarded-For: 10.0.0.1\r\nContent-Length: 3\r\n\r\nabc",
            $"\"POST /a%2Fb?c HTTP/1.1\" 200 - via_upstream - \"-\" 3 5 N N \"10.0.0.1\" \"curl/7.88.1\" \"mine\" \"localhost:9100\" \"{backend.Address}\" {Cluster} - 10.96.0.1:80 10.0.0.1:0 - test");
    }

    [Fact]
    public async Task No_connection()
    {
        var refusing = Refusing();

        await AssertLineAsync(
            Forward(refusing) with { Retry = DefaultRetries },
            "GET /refused HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\n\r\n",
            $"\"GET /refused HTTP/1.1\" 503 URX,UF upstream_reset_before_response_started{{remote_connection_failure|delayed_connect_error:_Connection_refused}} - \"delayed_connect_error:_Connection_refused\" 0 121 N - \"-\" \"-\" \"mine\" \"echo\" \"{refusing}\" {Cluster} - 10.96.0.1:80 CLIENT - test");
    }

    [Fact]
    public async Task A_connection_that_ends_before_the_answer()
    {
        await using var backend = RawBackend.Breaking();

        await AssertLineAsync(
            Forward(backend.Address),
            "GET / HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\n\r\n",
            $"\"GET / HTTP/1.1\" 503 UC upstream_reset_before_response_started{{connection_termination}} - \"-\" 0 95 N - \"-\" \"-\" \"mine\" \"echo\" \"{backend.Address}\" {Cluster} - 10.96.0.1:80 CLIENT - test");
    }

    [Fact]
    public async Task An_answer_that_breaks_off()
    {
        await using var backend = RawBackend.Serving(async connection =>
        {
            await connection.ReadMessageAsync();
            await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        });

        await AssertLineAsync(
            Forward(backend.Address),
            "GET / HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\n\r\n",
            $"\"GET / HTTP/1.1\" 200 UPE upstream_reset_after_response_started{{protocol_error}} - \"-\" 0 3 N N \"-\" \"-\" \"mine\" \"echo\" \"{backend.Address}\" {Cluster} - 10.96.0.1:80 CLIENT - test");
    }

    [Fact]
    public async Task Retries_that_are_used_up()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 503 X\r\nContent-Length: 3\r\n\r\nabc");

        await AssertLineAsync(
            Forward(backend.Address) with { Retry = DefaultRetries with { StatusCodes = new HashSet<int> { 503 } } },
            "GET / HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\n\r\n",
            $"\"GET / HTTP/1.1\" 503 URX via_upstream - \"-\" 0 3 N N \"-\" \"-\" \"mine\" \"echo\" \"{backend.Address}\" {Cluster} - 10.96.0.1:80 CLIENT - test");
    }

    [Fact]
    public async Task Not_http()
    {
        await using var backend = RawBackend.Answering("garbage\r\n\r\n");

        await AssertLineAsync(
            Forward(backend.Address),
            "GET / HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\n\r\n",
            $"\"GET / HTTP/1.1\" 502 UPE upstream_reset_before_response_started{{protocol_error}} - \"-\" 0 87 N - \"-\" \"-\" \"mine\" \"echo\" \"{backend.Address}\" {Cluster} - 10.96.0.1:80 CLIENT - test");
    }

    [Theory]
    [InlineData(false, "response_timeout")]
    [InlineData(true, "upstream_per_try_timeout")]
    public async Task A_time_out(bool perTry, string details)
    {
        await using var silent = RawBackend.Serving(async connection => await connection.ReadToResetAsync());
        var limit = TimeSpan.FromMilliseconds(50);

        await AssertLineAsync(
            perTry ? Forward(silent.Address) with { Retry = DefaultRetries with { PerTryTimeout = limit } } : Forward(silent.Address) with { Timeout = limit },
            "GET / HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\n\r\n",
            $"\"GET / HTTP/1.1\" 504 UT {details} - \"-\" 0 24 N - \"-\" \"-\" \"mine\" \"echo\" \"{silent.Address}\" {Cluster} - 10.96.0.1:80 CLIENT - test");
    }

    [Fact]
    public async Task No_endpoint() => await AssertLineAsync(
        Forward(),
        "GET / HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\n\r\n",
        $"\"GET / HTTP/1.1\" 503 UH no_healthy_upstream - \"-\" 0 19 N - \"-\" \"-\" \"mine\" \"echo\" \"-\" {Cluster} - 10.96.0.1:80 CLIENT - test");

    [Fact]
    public async Task No_cluster() => await AssertLineAsync(
        new ForwardAction(new Proxy.Mesh.WeightedClusters([new(new("UnknownService"), 1, HeaderMutations.None, HeaderMutations.None)])) { MissingClusterStatus = 500 },
        "GET / HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\n\r\n",
        "\"GET / HTTP/1.1\" 500 NC cluster_not_found - \"-\" 0 0 N - \"-\" \"-\" \"mine\" \"echo\" \"-\" - - 10.96.0.1:80 CLIENT - test");

    [Fact]
    public async Task No_route() => await AssertLineAsync(
        null,
        "GET / HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\n\r\n",
        "\"GET / HTTP/1.1\" 404 NR route_not_found - \"-\" 0 0 N - \"-\" \"-\" \"mine\" \"echo\" \"-\" - - 10.96.0.1:80 CLIENT - -");

    [Fact]
    public async Task A_redirect() => await AssertLineAsync(
        new RedirectAction(301) { Host = "other.example" },
        "GET / HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\n\r\n",
        "\"GET / HTTP/1.1\" 301 - direct_response - \"-\" 0 0 N - \"-\" \"-\" \"mine\" \"echo\" \"-\" - - 10.96.0.1:80 CLIENT - test");

    [Fact]
    public async Task A_client_that_leaves()
    {
        var heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var silent = RawBackend.Serving(async connection =>
        {
            await connection.ReadMessageAsync();
            heard.SetResult();
            await connection.ReadToResetAsync();
        });

        await AssertLineAsync(
            Forward(silent.Address),
            "GET / HTTP/1.1\r\nHost: echo\r\nX-Request-Id: mine\r\n\r\n",
            $"\"GET / HTTP/1.1\" 0 DC downstream_remote_disconnect - \"-\" 0 0 N - \"-\" \"-\" \"mine\" \"echo\" \"{silent.Address}\" {Cluster} - 10.96.0.1:80 CLIENT - test",
            leaveWhen: heard.Task);
    }

    [Fact]
    public async Task Nothing_is_written_unless_it_is_asked_for()
    {
        using var output = new LineStream();
        await using (var proxy = await ProxyUnderTest.StartAsync(
            ChainOf(),
            services => services.AddSingleton(new AccessLogSettings(output, Always: false))))
        {
            await using var client = await RawConnection.ConnectAsync(proxy.Http1);
            await client.SendAsync("GET / HTTP/1.1\r\nHost: echo\r\n\r\n");
            await client.ReadMessageAsync();
        }

        Assert.Equal("", output.Text);
    }

    private static async Task AssertLineAsync(RouteAction? action, string request, string expected, Task? leaveWhen = null)
    {
        using var output = new LineStream();
        string client;
        await using (var proxy = await ProxyUnderTest.StartAsync(
            action is null ? ChainOf() : ChainOf(RouteTo(action)),
            services => services.AddSingleton(new AccessLogSettings(output, Always: true))))
        {
            await using var connection = await RawConnection.ConnectAsync(proxy.Http1);
            client = connection.Socket.LocalEndPoint!.ToString()!;
            await connection.SendAsync(request);
            if (leaveWhen is not null)
            {
                await leaveWhen.WaitAsync(TimeSpan.FromSeconds(10));
                connection.Reset();
            }
            else
            {
                await connection.ReadToResetOrMessageAsync();
            }

            await output.Written.WaitAsync(TimeSpan.FromSeconds(10));
        }

        var line = output.Text;
        Assert.EndsWith("\n", line, StringComparison.Ordinal);
        var time = Regex.Match(line, "^\\[(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3})Z\\] ");
        Assert.InRange(
            DateTime.Parse(time.Groups[1].Value, CultureInfo.InvariantCulture),
            DateTime.UtcNow - TimeSpan.FromMinutes(1),
            DateTime.UtcNow);

        // Duration and service time vary; everything else is exact.
        var pattern = Regex.Escape(expected.Replace("CLIENT", client, StringComparison.Ordinal)).Replace("\\ N\\ ", "\\ [0-9]+\\ ", StringComparison.Ordinal).Replace("\\ N\\ ", "\\ [0-9]+\\ ", StringComparison.Ordinal);
        Assert.Matches($"^{pattern}\n$", line[time.Length..]);
    }

    private sealed class LineStream : MemoryStream
    {
        private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Written => _written.Task;

        public string Text => Encoding.Latin1.GetString(ToArray());

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            _written.TrySetResult();
            return ValueTask.CompletedTask;
        }
    }
}
