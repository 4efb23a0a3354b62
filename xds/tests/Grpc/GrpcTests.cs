using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Health.V1;
using Waypoint.Xds.Grpc;
using static Waypoint.Xds.Tests.Grpc.EchoService;

namespace Waypoint.Xds.Tests.Grpc;

/// <summary>Our client against our server.</summary>
public sealed class GrpcTests : IAsyncLifetime
{
    private readonly HealthService _health = new();
    private GrpcServer _server = null!;
    private GrpcChannel _channel = null!;

    public async Task InitializeAsync()
    {
        _server = await StartAsync(more: _health.AddTo);
        _channel = new GrpcChannel(new Uri($"http://{_server.EndPoint}"));
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_unary_call_gives_its_answer() => Assert.Equal("hello", (await _channel.CallAsync(Unary, Bytes("hello"))).Value.ToStringUtf8());

    [Fact]
    public async Task An_empty_message_is_a_message() => Assert.Equal(0, (await _channel.CallAsync(Unary, new BytesValue())).Value.Length);

    [Fact]
    public async Task A_failure_brings_its_code_its_reason_and_its_trailers()
    {
        var failure = await Assert.ThrowsAsync<GrpcException>(() => _channel.CallAsync(Unary, Bytes("fail")));
        Assert.Equal(new GrpcStatus(GrpcStatusCode.FailedPrecondition, "naïve 100%\nfailure"), failure.Status);
        Assert.Equal("asked for", failure.Trailers.Find("reason"));
        Assert.Equal([0, 1, 2, 255], failure.Trailers.FindBinary("detail-bin"));
    }

    [Fact]
    public async Task A_failure_after_the_headers_comes_as_trailers()
    {
        var failure = await Assert.ThrowsAsync<GrpcException>(() => _channel.CallAsync(Unary, Bytes("fail late")));
        Assert.Equal(new GrpcStatus(GrpcStatusCode.Aborted, "late"), failure.Status);
    }

    [Fact]
    public async Task A_crash_is_not_told_to_the_client()
    {
        var failure = await Assert.ThrowsAsync<GrpcException>(() => _channel.CallAsync(Unary, Bytes("crash")));
        Assert.Equal(GrpcStatusCode.Unknown, failure.Status.Code);
        Assert.DoesNotContain("eyes", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_method_is_unimplemented()
    {
        var missing = new GrpcMethod<BytesValue, BytesValue>(Name, "Missing", BytesValue.Parser, BytesValue.Parser);
        var failure = await Assert.ThrowsAsync<GrpcException>(() => _channel.CallAsync(missing, Bytes("")));
        Assert.Equal(GrpcStatusCode.Unimplemented, failure.Status.Code);
    }

    [Fact]
    public async Task Trailers_of_a_good_call_are_there_at_its_end()
    {
        await using var call = _channel.Start(Unary);
        await call.WriteAsync(Bytes("four"));
        await call.CompleteAsync();
        Assert.NotNull(await call.ReadAsync());
        Assert.Null(await call.ReadAsync());
        Assert.Equal("4", call.Trailers.Find("length"));
    }

    [Fact]
    public async Task Headers_and_a_fresh_token_go_out_with_each_call()
    {
        var tokens = 0;
        using var channel = new GrpcChannel(
            new Uri($"http://{_server.EndPoint}"), new GrpcChannelOptions { BearerToken = _ => ValueTask.FromResult<string?>($"token-{++tokens}") });
        var options = new GrpcCallOptions { Headers = new GrpcMetadata { { "x-one", "1" } } };
        Assert.Equal("authorization=Bearer token-1,x-one=1", await Seen());
        Assert.Equal("authorization=Bearer token-2,x-one=1", await Seen());

        async Task<string> Seen()
        {
            var seen = (await channel.CallAsync(Unary, Bytes("headers"), options)).Value.ToStringUtf8();
            return string.Join(",", seen.Split(',').Order());
        }
    }

    [Fact]
    public async Task A_client_stream_is_read_to_its_end()
    {
        await using var call = _channel.Start(Upload);
        for (var i = 0; i < 100; i++)
        {
            await call.WriteAsync(new BytesValue { Value = ByteString.CopyFrom(new byte[100_000]) });
        }

        await call.CompleteAsync();
        Assert.Equal("10000000", (await call.ReadAsync())?.Value.ToStringUtf8());
        Assert.Null(await call.ReadAsync());
    }

    [Fact]
    public async Task A_server_stream_keeps_its_order()
    {
        await using var call = _channel.Start(Download);
        await call.WriteAsync(Bytes("1000"));
        await call.CompleteAsync();
        var next = 0;
        await foreach (var message in call.ReadAllAsync())
        {
            Assert.Equal($"{next++}", message.Value.ToStringUtf8());
        }

        Assert.Equal(1000, next);
    }

    [Fact]
    public async Task Both_directions_of_a_stream_work_at_once()
    {
        await using var call = _channel.Start(Chat);
        for (var i = 0; i < 20; i++)
        {
            await call.WriteAsync(Bytes($"{i}"));
            Assert.Equal($"{i}", (await call.ReadAsync())?.Value.ToStringUtf8());
        }

        await call.CompleteAsync();
        Assert.Null(await call.ReadAsync());
    }

    [Fact]
    public async Task A_passed_deadline_ends_the_call_at_both_ends()
    {
        var failure = await Assert.ThrowsAsync<GrpcException>(
            () => _channel.CallAsync(Unary, Bytes("wait"), new GrpcCallOptions { Timeout = TimeSpan.FromMilliseconds(50) }));
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, failure.Status.Code);
    }

    [Fact]
    public async Task The_server_ends_a_call_whose_deadline_has_passed()
    {
        // The header alone: this client does not watch the time itself.
        await using var call = _channel.Start(Unary, new GrpcCallOptions { Headers = new GrpcMetadata { { "grpc-timeout", "50m" } } });
        await call.WriteAsync(Bytes("wait"));
        await call.CompleteAsync();
        var failure = await Assert.ThrowsAsync<GrpcException>(() => call.ReadAsync().AsTask());
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, failure.Status.Code);
    }

    [Fact]
    public async Task A_cancelled_call_says_so()
    {
        using var cancellation = new CancellationTokenSource();
        await using var call = _channel.Start(Chat, cancellation: cancellation.Token);
        await call.WriteAsync(Bytes("1"));
        await call.ReadAsync();
        await cancellation.CancelAsync();
        Assert.Equal(GrpcStatusCode.Cancelled, (await Assert.ThrowsAsync<GrpcException>(() => call.ReadAsync().AsTask())).Status.Code);
    }

    [Fact]
    public async Task A_message_over_the_servers_limit_is_refused_and_the_connection_lives()
    {
        var failure = await Assert.ThrowsAsync<GrpcException>(
            () => _channel.CallAsync(Upload, new BytesValue { Value = ByteString.CopyFrom(new byte[5 * 1024 * 1024]) }));
        Assert.Equal(GrpcStatusCode.ResourceExhausted, failure.Status.Code);
        Assert.Equal("ok", (await _channel.CallAsync(Unary, Bytes("ok"))).Value.ToStringUtf8());
    }

    [Fact]
    public async Task A_message_over_the_clients_limit_ends_the_call()
    {
        using var channel = new GrpcChannel(new Uri($"http://{_server.EndPoint}"), new GrpcChannelOptions { MaximumReceiveLength = 10 });
        var failure = await Assert.ThrowsAsync<GrpcException>(() => channel.CallAsync(Unary, Bytes("more than ten bytes")));
        Assert.Equal(GrpcStatusCode.ResourceExhausted, failure.Status.Code);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_unavailable()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var channel = new GrpcChannel(new Uri($"http://{socket.LocalEndPoint}"));
        var failure = await Assert.ThrowsAsync<GrpcException>(() => channel.CallAsync(Unary, Bytes("")));
        Assert.Equal(GrpcStatusCode.Unavailable, failure.Status.Code);
        Assert.Contains("refused", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_goes_in_the_middle_of_a_stream_is_unavailable()
    {
        await using var server = await StartAsync();
        using var channel = new GrpcChannel(new Uri($"http://{server.EndPoint}"));
        await using var call = channel.Start(Chat);
        await call.WriteAsync(Bytes("1"));
        await call.ReadAsync();
        var reading = call.ReadAsync().AsTask();
        await server.DisposeAsync();
        var failure = await Assert.ThrowsAsync<GrpcException>(() => reading);
        Assert.Contains(failure.Status.Code, (IEnumerable<GrpcStatusCode>)[GrpcStatusCode.Unavailable, GrpcStatusCode.Internal]);
    }

    [Fact]
    public async Task Tls_trusts_the_given_root_and_the_given_name_only()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=control-plane", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("istiod.istio-system.svc");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddHours(1));
        await using var server = await StartAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate });

        Assert.Equal("x", (await CallAsync([certificate], "istiod.istio-system.svc")).Value.ToStringUtf8());
        Assert.Equal(GrpcStatusCode.Unavailable, (await Assert.ThrowsAsync<GrpcException>(() => CallAsync([certificate], "another.name"))).Status.Code);
        Assert.Equal(GrpcStatusCode.Unavailable, (await Assert.ThrowsAsync<GrpcException>(() => CallAsync([], "istiod.istio-system.svc"))).Status.Code);

        async Task<BytesValue> CallAsync(X509Certificate2Collection roots, string name)
        {
            var options = new GrpcChannelOptions { Tls = new GrpcTls { Roots = () => roots, ServerName = name } };
            using var channel = new GrpcChannel(new Uri($"https://{server.EndPoint}"), options);
            return await channel.CallAsync(Unary, Bytes("x"));
        }
    }

    [Fact]
    public async Task Health_is_told_once_or_at_every_change()
    {
        _health.Set("", serving: false);
        Assert.Equal(
            HealthCheckResponse.Types.ServingStatus.NotServing, (await _channel.CallAsync(HealthService.Check, new HealthCheckRequest())).Status);
        var unknown = await Assert.ThrowsAsync<GrpcException>(
            () => _channel.CallAsync(HealthService.Check, new HealthCheckRequest { Service = "other" }));
        Assert.Equal(GrpcStatusCode.NotFound, unknown.Status.Code);

        await using var watch = _channel.Start(HealthService.Watch);
        await watch.WriteAsync(new HealthCheckRequest());
        await watch.CompleteAsync();
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, (await watch.ReadAsync())?.Status);
        _health.Set("", serving: true);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await watch.ReadAsync())?.Status);
    }
}
