using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Resilience;
using Waypoint.Proxy.Routing;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>gRPC by its wire format: HTTP/2, length-prefixed messages, trailers.</summary>
public sealed class GrpcTests
{
    private static readonly byte[] Message = [0, 0, 0, 0, 2, 8, 1];

    [Fact]
    public async Task A_unary_call_brings_its_message_and_its_trailers()
    {
        await using var backend = await HttpBackend.StartAsync(async context =>
        {
            Assert.Equal("trailers", context.Request.Headers.TE);
            context.Response.ContentType = "application/grpc";
            await context.Request.Body.CopyToAsync(context.Response.Body);
            context.Response.AppendTrailer("grpc-status", "0");
            context.Response.AppendTrailer("x-trailer-bin", "AAE=");
        });
        await using var proxy = await StartAsync(backend);

        using var response = await CallAsync(proxy, new ByteArrayContent(Message));

        Assert.Equal("application/grpc", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(Message, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
        Assert.Equal("AAE=", response.TrailingHeaders.GetValues("x-trailer-bin").Single());
    }

    [Fact]
    public async Task Messages_go_both_ways_while_the_call_is_open()
    {
        await using var backend = await HttpBackend.StartAsync(async context =>
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.FlushAsync();
            var buffer = new byte[64];
            while (await context.Request.Body.ReadAsync(buffer) is > 0 and var count)
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, count));
                await context.Response.Body.FlushAsync();
            }

            context.Response.AppendTrailer("grpc-status", "0");
        });
        await using var proxy = await StartAsync(backend);
        using var content = new DuplexContent();

        // The head of the answer comes before any message does.
        using var response = await CallAsync(proxy, content);
        var requests = await content.Stream;
        await using var responses = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[Message.Length];
        for (var i = 0; i < 5; i++)
        {
            await requests.WriteAsync(Message);
            await requests.FlushAsync();
            await responses.ReadExactlyAsync(buffer);
            Assert.Equal(Message, buffer);
        }

        content.Complete();
        Assert.Equal(0, await responses.ReadAsync(buffer));
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task A_call_that_the_server_ends_early_is_over_at_once()
    {
        await using var backend = await HttpBackend.StartAsync(context =>
        {
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = "7";
            return Task.CompletedTask;
        });
        await using var proxy = await StartAsync(backend);
        using var content = new DuplexContent();

        using var response = await CallAsync(proxy, content);

        Assert.Equal("7", response.Headers.GetValues("grpc-status").Single());
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("no route", "12", null)]
    [InlineData("no endpoint", "14", "no healthy upstream")]
    [InlineData("refused", "14", "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure")]
    [InlineData("timeout", "14", "upstream request timeout")]
    [InlineData("deadline", "4", "upstream request timeout")]
    [InlineData("denied", "7", "no")]
    public async Task An_answer_of_the_proxy_is_trailers_only(string situation, string status, string? message)
    {
        await using var silent = await HttpBackend.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        RouteAction? action = situation switch
        {
            "no route" => null,
            "no endpoint" => Forward(),
            "refused" => Forward(UpstreamProtocol.Http2, Refusing()),
            "timeout" => Forward(UpstreamProtocol.Http2, silent.Http2) with { Timeout = TimeSpan.FromMilliseconds(50) },
            "deadline" => Forward(UpstreamProtocol.Http2, silent.Http2) with { MaxGrpcTimeout = TimeSpan.Zero },
            _ => new DirectResponseAction(403, "no"u8.ToArray()),
        };
        await using var proxy = action is null ? await ProxyUnderTest.StartAsync() : await ProxyUnderTest.StartAsync(RouteTo(action));

        using var response = await CallAsync(proxy, new ByteArrayContent(Message), request => request.Headers.Add("grpc-timeout", "50m"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/grpc", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(status, response.Headers.GetValues("grpc-status").Single());
        Assert.Equal(message, response.Headers.TryGetValues("grpc-message", out var values) ? values.Single() : null);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task The_clients_deadline_counts_only_where_the_route_asks_for_it()
    {
        await using var backend = await HttpBackend.StartAsync(async context =>
        {
            await Task.Delay(100);
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = "0";
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(UpstreamProtocol.Http2, backend.Http2)));

        using var response = await CallAsync(proxy, new ByteArrayContent(Message), request => request.Headers.Add("grpc-timeout", "1m"));

        Assert.Equal("0", response.Headers.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task A_call_that_is_unavailable_is_tried_again_with_its_message()
    {
        var tries = 0;
        await using var backend = await HttpBackend.StartAsync(async context =>
        {
            context.Response.ContentType = "application/grpc";
            if (Interlocked.Increment(ref tries) < 3)
            {
                context.Response.Headers["grpc-status"] = "14";
                return;
            }

            await context.Request.Body.CopyToAsync(context.Response.Body);
            context.Response.AppendTrailer("grpc-status", "0");
        });
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(UpstreamProtocol.Http2, backend.Http2) with { Retry = DefaultRetries }));

        using var response = await CallAsync(proxy, new ByteArrayContent(Message));

        Assert.Equal(Message, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
        Assert.Equal(3, tries);
    }

    [Fact]
    public async Task A_refused_stream_is_tried_again()
    {
        var tries = 0;
        await using var backend = await HttpBackend.StartAsync(async context =>
        {
            if (Interlocked.Increment(ref tries) == 1)
            {
                context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResetFeature>()!.Reset(7);
                return;
            }

            context.Response.ContentType = "application/grpc";
            await context.Request.Body.CopyToAsync(context.Response.Body);
            context.Response.AppendTrailer("grpc-status", "0");
        });
        await using var proxy = await ProxyUnderTest.StartAsync(
            RouteTo(Forward(UpstreamProtocol.Http2, backend.Http2) with { Retry = DefaultRetries with { On = RetryOn.RefusedStream } }));

        using var response = await CallAsync(proxy, new ByteArrayContent(Message));

        Assert.Equal(Message, await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_stream_that_the_backend_resets_is_reset_for_the_client()
    {
        await using var backend = await HttpBackend.StartAsync(async context =>
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(Message);
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        await using var proxy = await StartAsync(backend);

        using var response = await CallAsync(proxy, new ByteArrayContent(Message));

        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("application/grpc", true)]
    [InlineData("application/grpc+proto", true)]
    [InlineData("APPLICATION/GRPC;x=y", true)]
    [InlineData("application/grpc-web", false)]
    [InlineData("application/grpcx", false)]
    [InlineData("text/plain", false)]
    [InlineData(null, false)]
    public void Grpc_is_known_by_its_content_type(string? contentType, bool expected) =>
        Assert.Equal(expected, Proxy.Forwarding.Grpc.IsGrpc(contentType));

    [Theory]
    [InlineData("1H", 3_600_000)]
    [InlineData("2M", 120_000)]
    [InlineData("3S", 3_000)]
    [InlineData("250m", 250)]
    [InlineData("5000u", 5)]
    [InlineData("99999999n", 99.9999)]
    [InlineData("S", null)]
    [InlineData("123456789S", null)]
    [InlineData("1", null)]
    [InlineData("-1S", null)]
    [InlineData("1x", null)]
    public void A_deadline_is_at_most_eight_digits_and_a_unit(string header, object? milliseconds) =>
        Assert.Equal(
            milliseconds is null ? null : Convert.ToDouble(milliseconds, CultureInfo.InvariantCulture),
            Proxy.Forwarding.Grpc.ParseTimeout(header)?.TotalMilliseconds);

    private static Task<ProxyUnderTest> StartAsync(HttpBackend backend) =>
        ProxyUnderTest.StartAsync(RouteTo(Forward(UpstreamProtocol.FollowDownstream, backend.Http2)));

    private static async Task<HttpResponseMessage> CallAsync(ProxyUnderTest proxy, HttpContent content, Action<HttpRequestMessage>? configure = null)
    {
        using var client = new HttpMessageInvoker(new SocketsHttpHandler(), disposeHandler: false);
        var request = new HttpRequestMessage(HttpMethod.Post, $"http://{proxy.Http2}/echo.Echo/Say")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        configure?.Invoke(request);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        return await client.SendAsync(request, limit.Token);
    }

    private sealed class DuplexContent : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Stream> Stream => _stream.Task;

        public void Complete() => _completed.SetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.FlushAsync();
            _stream.SetResult(stream);
            await _completed.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
