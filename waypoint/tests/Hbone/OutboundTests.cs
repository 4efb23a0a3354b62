using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Xds.Identity;
using Waypoint.Xds.Tests.Identity;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Hbone;

/// <summary>Tunnels to pods: our client, TLS and all, against our server, with a backend behind it.</summary>
[Collection(nameof(Alone))]
public sealed class OutboundTests
{
    [Fact]
    public async Task A_TCP_connection_goes_through_a_tunnel_and_each_direction_ends_by_itself()
    {
        using var backend = new Backend();
        await using var pod = await TunnelServer.StartAsync(backend.Address);
        await using var tunnels = pod.Tunnels();
        await using var front = await Front.StartAsync(tunnels: tunnels);
        front.Mesh.Publish(new MeshSnapshot(new Dictionary<IPEndPoint, Destination>
        {
            [Front.TcpService] = new(null, new TcpChain("tcp", Front.To(TunnelServer.Cluster(TunnelServer.Pod)))),
        }));

        using var client = await front.ConnectAsync(Front.TcpService);
        await client.SendAsync("question");
        using var server = await backend.AcceptAsync();
        Assert.Equal("question", await server.ReadAsync(8));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("", await server.ReadToEndAsync());
        await server.SendAsync("answer after the end");
        server.Shutdown(SocketShutdown.Send);
        Assert.Equal("answer after the end", await client.ReadToEndAsync());
        await SocketExtensions.UntilAsync(() => front.Metrics.Active == 0 && pod.Hbone.Front.Metrics.Active == 0);
        Assert.Equal(1, pod.Hbone.Metrics.Inbound);
    }

    [Fact]
    public async Task A_reset_of_the_backend_reaches_the_client_through_the_tunnel()
    {
        using var backend = new Backend();
        await using var pod = await TunnelServer.StartAsync(backend.Address);
        await using var tunnels = pod.Tunnels();
        await using var front = await Front.StartAsync(tunnels: tunnels);
        front.Mesh.Publish(new MeshSnapshot(new Dictionary<IPEndPoint, Destination>
        {
            [Front.TcpService] = new(null, new TcpChain("tcp", Front.To(TunnelServer.Cluster(TunnelServer.Pod)))),
        }));
        using var client = await front.ConnectAsync(Front.TcpService);
        await client.SendAsync("x");
        var server = await backend.AcceptAsync();
        await server.ReadAsync(1);
        server.Reset();
        Assert.True(await client.IsResetAsync());
    }

    [Fact]
    public async Task An_HTTP_request_goes_through_a_tunnel()
    {
        await using var backend = RawBackend.Answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        await using var pod = await TunnelServer.StartAsync(backend.Address);
        await using var tunnels = pod.Tunnels();
        await using var proxy = await ProxyUnderTest.StartAsync(
            ChainOf(RouteTo(Forward(TunnelServer.Cluster(TunnelServer.Pod)))), services => services.AddSingleton(tunnels));
        await using var client = await RawConnection.ConnectAsync(proxy.Http1);
        await client.SendAsync("GET /x HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Contains("hello", await client.ReadMessageAsync(), StringComparison.Ordinal);
        Assert.Equal(1, pod.Hbone.Metrics.Inbound);
    }

    [Fact]
    public async Task A_hundred_streams_share_a_connection_and_a_gigabyte_passes_in_bounded_memory()
    {
        const int Streams = 100;
        const int Bytes = 5 * 1024 * 1024;
        using var backend = new Backend();
        await using var pod = await TunnelServer.StartAsync(backend.Address);
        await using var tunnels = pod.Tunnels();
        var serving = Task.Run(async () =>
        {
            for (var i = 0; i < Streams; i++)
            {
                _ = EchoAsync(await backend.AcceptAsync());
            }
        });
        GC.Collect();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var most = 0L;
        var data = RandomNumberGenerator.GetBytes(64 * 1024);
        await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => Task.Run(async () =>
        {
            var opened = (await tunnels.OpenAsync(TunnelServer.Pod, null, CancellationToken.None))!;
            var stream = new OutboundDuplexStream(opened);
            var sending = Task.Run(async () =>
            {
                for (var sent = 0; sent < Bytes; sent += data.Length)
                {
                    await stream.WriteAsync(data);
                }

                await opened.EndAsync();
            });
            var (buffer, received) = (new byte[data.Length], 0);
            while (true)
            {
                var read = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false);
                if (read == 0)
                {
                    break;
                }

                Assert.True(buffer.AsSpan(0, read).SequenceEqual(data.AsSpan(0, read)), "the bytes came changed");
                received += read;
                InterlockedMax(ref most, GC.GetTotalMemory(forceFullCollection: false));
            }

            Assert.Equal(Bytes, received);
            await sending;
        }))).WaitAsync(TimeSpan.FromMinutes(3));
        await serving;
        Assert.Equal(1, pod.Hbone.Metrics.Inbound);

        // Two windows of 16 MiB each way, and what the collector has not looked at yet.
        Assert.InRange(most - before, 0, 256L << 20);
    }

    [Fact]
    public async Task More_streams_than_a_connection_takes_go_by_another()
    {
        using var backend = new Backend();
        await using var pod = await TunnelServer.StartAsync(backend.Address);
        await using var tunnels = pod.Tunnels();
        var serving = Task.Run(async () =>
        {
            for (var i = 0; i < 150; i++)
            {
                _ = EchoAsync(await backend.AcceptAsync());
            }
        });
        var streams = await Task.WhenAll(Enumerable.Range(0, 150).Select(_ => tunnels.OpenAsync(TunnelServer.Pod, null, CancellationToken.None).AsTask()));
        Assert.All(streams, Assert.NotNull);
        Assert.Equal(2, pod.Hbone.Metrics.Inbound);
        await serving;
    }

    [Fact]
    public async Task A_rotation_leaves_tunnels_alone_and_new_ones_show_the_new_certificate()
    {
        using var backend = new Backend();
        await using var pod = await TunnelServer.StartAsync(backend.Address);
        var identity = pod.Hbone.Authority.Identity("spiffe://cluster.local/ns/shop/sa/waypoint");
        await using var tunnels = pod.Tunnels(identity: identity);
        var old = (await tunnels.OpenAsync(TunnelServer.Pod, null, CancellationToken.None))!;
        using var server = await backend.AcceptAsync();

        identity.Publish(pod.Hbone.Authority.Certificate("spiffe://cluster.local/ns/shop/sa/waypoint", TimeSpan.FromSeconds(-1)));
        await old.WriteAsync("still there"u8.ToArray());
        Assert.Equal("still there", await server.ReadAsync(11));

        // Another server, so another connection, whose handshake the expired certificate fails.
        pod.Expect(HboneFront.Self);
        await using var others = pod.Tunnels(identity: identity);
        await Assert.ThrowsAsync<TunnelException>(async () => await others.OpenAsync(TunnelServer.Pod, null, CancellationToken.None));
        await SocketExtensions.UntilAsync(() => pod.Hbone.Metrics.Refused("expired") > 0);
    }

    [Theory]
    [InlineData("spiffe://cluster.local/ns/shop/sa/other", "unexpected_identity")]
    [InlineData("spiffe://elsewhere.org/ns/shop/sa/waypoint", "unexpected_identity")]
    public async Task A_server_that_is_not_who_is_expected_there_is_left_with_a_counter_and_a_line(string expected, string reason)
    {
        using var backend = new Backend();
        await using var pod = await TunnelServer.StartAsync(backend.Address, expected);
        await using var tunnels = pod.Tunnels(UpstreamHboneMode.Auto);
        var failure = await Assert.ThrowsAsync<TunnelException>(async () => await tunnels.OpenAsync(TunnelServer.Pod, null, CancellationToken.None));
        Assert.Equal($"hbone_{reason}", failure.Reason);
        Assert.Equal(1, pod.Metrics.Refused(reason));
        Assert.Contains(pod.Log.Lines, line => line.Message.Contains(reason, StringComparison.Ordinal) && line.Message.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_of_another_authority_is_left()
    {
        using var backend = new Backend();
        await using var pod = await TunnelServer.StartAsync(backend.Address);
        await using var tunnels = pod.Tunnels(UpstreamHboneMode.Auto, new TestAuthority().Identity("spiffe://cluster.local/ns/shop/sa/waypoint"));
        var failure = await Assert.ThrowsAsync<TunnelException>(async () => await tunnels.OpenAsync(TunnelServer.Pod, null, CancellationToken.None));
        Assert.Equal("hbone_unknown_authority", failure.Reason);
    }

    [Fact]
    public async Task An_address_that_nobody_knows_is_not_trusted()
    {
        using var backend = new Backend();
        await using var pod = await TunnelServer.StartAsync(backend.Address);
        pod.Workloads.Remove("pod");
        await using var tunnels = pod.Tunnels(UpstreamHboneMode.Auto);
        var failure = await Assert.ThrowsAsync<TunnelException>(async () => await tunnels.OpenAsync(TunnelServer.Pod, null, CancellationToken.None));
        Assert.Equal("hbone_unknown_workload", failure.Reason);
    }

    [Fact]
    public async Task A_destination_that_the_server_does_not_serve_is_a_failure_with_its_status()
    {
        using var backend = new Backend();
        await using var pod = await TunnelServer.StartAsync(backend.Address);
        await using var tunnels = pod.Tunnels(UpstreamHboneMode.Auto);
        var failure = await Assert.ThrowsAsync<TunnelException>(
            async () => await tunnels.OpenAsync(new IPEndPoint(TunnelServer.Pod.Address, 81), null, CancellationToken.None));
        Assert.Equal("hbone_status_404", failure.Reason);
        Assert.Equal("delayed_connect_error:_hbone_status_404", UpstreamFailure.BeforeResponse(new HttpRequestException(HttpRequestError.ConnectionError, "", failure)).TransportReason);
    }

    [Fact]
    public async Task Where_nobody_listens_auto_dials_plainly_and_always_fails()
    {
        using var backend = new Backend();
        await using var pod = await TunnelServer.StartAsync(backend.Address);
        var closed = UnusedPort();
        await using var auto = pod.Tunnels(UpstreamHboneMode.Auto, port: closed);
        Assert.Null(await auto.OpenAsync(TunnelServer.Pod, null, CancellationToken.None));
        await using var always = pod.Tunnels(port: closed);
        Assert.True((await Assert.ThrowsAsync<TunnelException>(async () => await always.OpenAsync(TunnelServer.Pod, null, CancellationToken.None))).IsRefused);
        await using var never = pod.Tunnels(UpstreamHboneMode.Never);
        Assert.Null(await never.OpenAsync(TunnelServer.Pod, null, CancellationToken.None));
        Assert.Equal(0, pod.Hbone.Metrics.Inbound);
    }

    [Fact]
    public async Task An_address_that_has_spoken_HBONE_is_not_dialled_plainly_when_it_stops()
    {
        using var backend = new Backend();
        var pod = await TunnelServer.StartAsync(backend.Address);
        await using var tunnels = pod.Tunnels(UpstreamHboneMode.Auto);
        Assert.NotNull(await tunnels.OpenAsync(TunnelServer.Pod, null, CancellationToken.None));
        await pod.DisposeAsync();
        TunnelException failure;
        do
        {
            failure = await Assert.ThrowsAsync<TunnelException>(async () => await tunnels.OpenAsync(TunnelServer.Pod, null, CancellationToken.None));
        }
        while (!failure.IsRefused);
    }

    [Fact]
    public void What_is_remembered_of_an_address_is_forgotten_in_time()
    {
        var time = new ManualTime();
        var memory = new TunnelMemory(time);
        var address = AddressKey.Of(IPAddress.Loopback);
        memory.Refused(address);
        Assert.True(memory.IsPlain(address));
        time.Advance(TimeSpan.FromSeconds(31));
        Assert.False(memory.IsPlain(address));
        memory.SpokeHbone(address);
        Assert.True(memory.IsTunnelled(address));
        Assert.False(memory.IsPlain(address));
        time.Advance(TimeSpan.FromMinutes(11));
        Assert.False(memory.IsTunnelled(address));
    }

    [Theory]
    [InlineData(null, UpstreamHboneMode.Auto)]
    [InlineData("auto", UpstreamHboneMode.Auto)]
    [InlineData("always", UpstreamHboneMode.Always)]
    [InlineData("never", UpstreamHboneMode.Never)]
    internal void The_mode_is_a_word(string? text, UpstreamHboneMode mode) => Assert.Equal(mode, UpstreamHboneModes.Parse(text));

    [Fact]
    public void Another_word_is_an_error_that_names_the_variable() =>
        Assert.Contains("WAYPOINT_UPSTREAM_HBONE", Assert.Throws<FormatException>(() => UpstreamHboneModes.Parse("Sometimes")).Message, StringComparison.Ordinal);

    private static async Task EchoAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[64 * 1024];
            for (int received; (received = await socket.ReceiveAsync(buffer)) > 0;)
            {
                await socket.SendAsync(buffer.AsMemory(0, received));
            }
        }
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    private static int UnusedPort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
