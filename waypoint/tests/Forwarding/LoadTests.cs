using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http;
using Waypoint.Proxy.LoadBalancing;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Forwarding;

public sealed class LoadTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Many_requests_at_once_each_get_their_own_answer(bool clientHttp2, bool backendHttp2)
    {
        await using var backend = await HttpBackend.StartAsync(EchoAsync);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(
            (backendHttp2 ? Forward(UpstreamProtocol.Http2, backend.Http2) : Forward(backend.Http1)) with { Retry = DefaultRetries, Timeout = TimeSpan.FromSeconds(30) }));
        using var client = new HttpClient(new SocketsHttpHandler { EnableMultipleHttp2Connections = true })
        {
            DefaultRequestVersion = clientHttp2 ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        var address = clientHttp2 ? proxy.Http2 : proxy.Http1;
        var failures = new ConcurrentBag<string>();

        await Parallel.ForAsync(0, 600, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, cancellation) =>
        {
            // Sizes on both sides of what fits in one packet, one buffer and the replay limit.
            var body = new byte[i % 5 == 0 ? 100_000 : i % 300];
            Random.Shared.NextBytes(body);
            using var response = await client.PostAsync(new Uri($"http://{address}/{i}?q={i}"), new ByteArrayContent(body), cancellation);
            var answer = await response.Content.ReadAsByteArrayAsync(cancellation);
            if (!response.IsSuccessStatusCode || !answer.AsSpan().SequenceEqual(body) || response.Headers.GetValues("x-target").Single() != $"/{i}?q={i}")
            {
                failures.Add($"{i}: {response.StatusCode}, {answer.Length} of {body.Length} bytes");
            }
        });

        Assert.Empty(failures);
    }

    [Fact]
    public async Task A_change_of_the_chain_under_load_loses_no_request()
    {
        await using var backend = await HttpBackend.StartAsync(EchoAsync);
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(Forward(backend.Http1)));
        using var client = new HttpClient();
        using var done = new CancellationTokenSource();
        var changes = 0;
        var changing = Task.Run(
            async () =>
            {
                while (!done.IsCancellationRequested)
                {
                    proxy.Chain = ChainOf(RouteTo(Forward(backend.Http1)));
                    changes++;
                    await Task.Yield();
                }
            },
            CancellationToken.None);
        var failed = 0;

        await Parallel.ForAsync(0, 500, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, cancellation) =>
        {
            using var response = await client.GetAsync(new Uri($"http://{proxy.Http1}/{i}"), cancellation);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                Interlocked.Increment(ref failed);
            }
        });
        await done.CancelAsync();
        await changing;

        Assert.Equal(0, failed);
        Assert.True(changes > 10);
    }

    [Fact]
    public async Task What_a_cluster_counts_returns_to_zero()
    {
        await using var backend = await HttpBackend.StartAsync(EchoAsync);
        var action = Forward(backend.Http1, Refusing()) with { Retry = DefaultRetries };
        await using var proxy = await ProxyUnderTest.StartAsync(RouteTo(action));
        using var client = new HttpClient();

        await Parallel.ForAsync(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, cancellation) =>
        {
            using var response = await client.GetAsync(new Uri($"http://{proxy.Http1}/{i}"), cancellation);
        });

        // A client may have its answer a moment before the request is over.
        var slot = action.Clusters.Shares[0].Cluster;
        await Eventually.HoldsAsync(() =>
            slot.Load.ActiveRequests == 0
            && slot.Load.ActiveRetries == 0
            && slot.Current!.Endpoints.All(endpoint => endpoint.State.ActiveRequests == 0));
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var whole = new MemoryStream();
        await context.Request.Body.CopyToAsync(whole);
        context.Response.Headers["x-target"] = context.Request.Path + context.Request.QueryString;
        await context.Response.Body.WriteAsync(whole.GetBuffer().AsMemory(0, (int)whole.Length));
    }
}
