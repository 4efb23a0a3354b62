using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Waypoint.Proxy.Hbone;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Xds.Identity;
using Waypoint.Xds.Tests.Identity;

namespace Waypoint.Proxy.Tests.Hbone;

/// <summary>Clients' tunnels: raw HTTP/2 in, raw bytes at the backend.</summary>
public sealed class InboundTests
{
    private const string Get = "GET /x HTTP/1.1\r\nHost: shop\r\n\r\n";

    [Fact]
    public async Task Http_in_a_tunnel_is_served_for_the_destination_and_client_of_the_tunnel()
    {
        await using var hbone = await HboneFront.StartAsync();
        hbone.Front.Serve();
        await using var client = await hbone.OpenAsync("10.96.0.1:80");
        await client.SendDataAsync(1, Get);
        var answer = await client.ReadTextAsync(1, "chain http");
        Assert.Contains("HTTP/1.1 /x to 10.96.0.1:80 from 127.0.0.1 as spiffe://cluster.local/ns/shop/sa/web", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http2_in_a_tunnel_is_served_as_HTTP2()
    {
        await using var hbone = await HboneFront.StartAsync();
        hbone.Front.Serve();
        await using var client = await hbone.OpenAsync("10.96.0.1:80");
        await client.SendAsync(RawFrame.Data, 0, 1, [.. Drain.Http2.Preface, .. Drain.Http2.Get("/inner")]);
        Assert.Contains("HTTP/2 /inner to 10.96.0.1:80", await client.ReadTextAsync(1, "chain http"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_pass_and_each_direction_ends_by_itself()
    {
        await using var hbone = await HboneFront.StartAsync();
        using var backend = new Backend();
        hbone.Front.Serve(backend.Address);
        await using var client = await hbone.OpenAsync("10.96.0.2:3306");
        using var server = await backend.AcceptAsync();
        await client.SendDataAsync(1, "question", ends: true);
        Assert.Equal("question", await server.ReadToEndAsync());

        await server.SendAsync("answer after the end");
        server.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        Assert.Equal("answer after the end", await client.ReadTextAsync(1));
        await SocketExtensions.UntilAsync(() => hbone.Front.Metrics.Active == 0);
    }

    [Fact]
    public async Task The_server_may_end_first_and_the_client_go_on()
    {
        await using var hbone = await HboneFront.StartAsync();
        using var backend = new Backend();
        hbone.Front.Serve(backend.Address);
        await using var client = await hbone.OpenAsync("10.96.0.2:3306");
        using var server = await backend.AcceptAsync();
        await server.SendAsync("greeting");
        server.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        Assert.Equal("greeting", await client.ReadTextAsync(1));

        await client.SendDataAsync(1, "still here", ends: true);
        Assert.Equal("still here", await server.ReadToEndAsync());
    }

    [Fact]
    public async Task A_reset_of_the_backend_is_a_reset_of_the_stream_and_of_no_other()
    {
        await using var hbone = await HboneFront.StartAsync();
        using var backend = new Backend();
        hbone.Front.Serve(backend.Address);
        await using var client = await hbone.OpenAsync("10.96.0.2:3306");
        using var doomed = await backend.AcceptAsync();
        Assert.Equal(200, await client.OpenAsync(3, "10.96.0.2:3306"));
        using var well = await backend.AcceptAsync();

        doomed.Reset();
        var reset = await client.ReadUntilAsync(frame => frame.Type == RawFrame.ResetStream);
        Assert.Equal((1, 0xau), (reset.Stream, reset.Error));
        await well.SendAsync("well");
        Assert.Equal("well", await client.ReadTextAsync(3, "well"));
    }

    [Fact]
    public async Task A_reset_of_the_stream_is_a_reset_at_the_backend()
    {
        await using var hbone = await HboneFront.StartAsync();
        using var backend = new Backend();
        hbone.Front.Serve(backend.Address);
        await using var client = await hbone.OpenAsync("10.96.0.2:3306");
        using var server = await backend.AcceptAsync();
        await client.SendDataAsync(1, "half");
        Assert.Equal("half", await server.ReadAsync(4));
        await client.SendAsync(RawFrame.ResetStream, 0, 1, [0, 0, 0, 8]);
        Assert.True(await server.IsResetAsync());
    }

    [Fact]
    public async Task A_server_that_speaks_first_is_heard_on_a_port_of_unknown_protocol()
    {
        await using var hbone = await HboneFront.StartAsync();
        using var backend = new Backend();
        hbone.Front.Serve(backend.Address);
        await using var client = await hbone.OpenAsync("10.96.0.3:9999");
        using var server = await backend.AcceptAsync();
        await server.SendAsync("220 ready\r\n");
        Assert.Equal("220 ready\r\n", await client.ReadTextAsync(1, "\n"));
    }

    [Fact]
    public async Task First_bytes_that_come_one_by_one_are_understood()
    {
        await using var hbone = await HboneFront.StartAsync();
        hbone.Front.Serve();
        await using var client = await hbone.OpenAsync("10.96.0.1:80");
        foreach (var letter in Get)
        {
            await client.SendDataAsync(1, $"{letter}");
        }

        Assert.Contains("HTTP/1.1 /x to", await client.ReadTextAsync(1, "chain http"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.96.0.1:80", 200)]
    [InlineData("echo.shop.svc.cluster.local:8080", 200)]
    [InlineData("Echo.Shop.svc.cluster.local:8080", 200)]
    [InlineData("echo.shop.svc.cluster.local:81", 404)]
    [InlineData("other.shop.svc.cluster.local:8080", 404)]
    [InlineData("10.96.0.1:81", 404)]
    [InlineData("10.96.9.9:80", 404)]
    [InlineData("10.244.7.7:8080", 404)]
    [InlineData("127.0.0.1:15000", 404)]
    [InlineData("10.96.0.1", 400)]
    [InlineData("10.96.0.1:0", 400)]
    [InlineData("10.96.0.1:65536", 400)]
    [InlineData("10.96.1:80", 400)]
    public async Task An_authority_is_answered(string authority, int status)
    {
        await using var hbone = await HboneFront.StartAsync();
        hbone.Front.Serve();
        var named = new Destination(new HttpChain { Name = "inbound-vip|8080|http|echo.shop.svc.cluster.local", Routes = RouteTable.Empty }, null);
        var http = new Destination(new HttpChain { Name = "http", Routes = RouteTable.Empty }, null);
        hbone.Front.Mesh.Publish(new MeshSnapshot(new Dictionary<IPEndPoint, Destination>
        {
            [Front.HttpService] = http,
            [new(IPAddress.Parse("10.96.0.4"), 8080)] = named,
            [new(IPAddress.Loopback, 15000)] = http,
        }));
        await using var client = await hbone.ConnectAsync();
        Assert.Equal(status, await client.OpenAsync(1, authority));
    }

    [Fact]
    public async Task Anything_but_a_CONNECT_is_refused()
    {
        await using var hbone = await HboneFront.StartAsync();
        hbone.Front.Serve();
        await using var client = await hbone.ConnectAsync();
        await client.SendAsync(RawFrame.Headers, 0x5, 1, RawTunnel.Block((":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "10.96.0.1:80")));
        var answer = await client.ReadUntilAsync(frame => frame.Type == RawFrame.Headers);
        Assert.Contains("405", System.Text.Encoding.ASCII.GetString(answer.Payload), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "127.0.0.1")]
    [InlineData(true, "10.9.9.9")]
    public async Task A_forwarded_client_is_believed_of_a_peer_that_speaks_for_others(bool speaksForOthers, string expected)
    {
        await using var hbone = await HboneFront.StartAsync();
        hbone.Front.Serve();
        hbone.Front.Mesh.Workloads.Upsert(new Workload { Uid = "peer", Addresses = [IPAddress.Loopback], HasApplicationTunnel = speaksForOthers });
        await using var client = await hbone.ConnectAsync();
        Assert.Equal(200, await client.OpenAsync(1, "10.96.0.1:80", ("forwarded", "for=\"10.9.9.9:4711\";host=echo")));
        await client.SendDataAsync(1, Get);
        Assert.Contains($"from {expected} as {HboneFront.Web}", await client.ReadTextAsync(1, "chain http"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_PROXY_header_inside_does_not_change_who_the_client_is()
    {
        await using var hbone = await HboneFront.StartAsync();
        hbone.Front.Serve();
        await using var client = await hbone.OpenAsync("10.96.0.1:80");
        await client.SendDataAsync(1, "PROXY TCP4 127.0.0.1 10.96.0.99 4711 99\r\n" + Get);
        Assert.Contains($"to 10.96.0.1:80 from 127.0.0.1 as {HboneFront.Web}", await client.ReadTextAsync(1, "chain http"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_without_a_certificate_is_refused()
    {
        await using var hbone = await HboneFront.StartAsync();
        await AssertRefusedAsync(hbone, null, PeerRefusal.NoCertificate);
    }

    [Fact]
    public async Task A_client_of_another_authority_is_refused()
    {
        await using var hbone = await HboneFront.StartAsync();
        await AssertRefusedAsync(hbone, new TestAuthority().Certificate(HboneFront.Web), PeerRefusal.UnknownAuthority);
    }

    [Fact]
    public async Task A_client_whose_certificate_has_expired_is_refused()
    {
        await using var hbone = await HboneFront.StartAsync();
        await AssertRefusedAsync(hbone, hbone.Authority.Certificate(HboneFront.Web, TimeSpan.FromSeconds(-1)), PeerRefusal.Expired);
    }

    [Fact]
    public async Task A_client_of_another_trust_domain_is_refused()
    {
        await using var hbone = await HboneFront.StartAsync();
        await AssertRefusedAsync(hbone, hbone.Authority.Certificate("spiffe://evil.org/ns/shop/sa/web"), PeerRefusal.WrongTrustDomain);
    }

    [Fact]
    public async Task TLS_before_1_3_is_refused()
    {
        await using var hbone = await HboneFront.StartAsync();
        await Assert.ThrowsAnyAsync<Exception>(() =>
            RawTunnel.ConnectAsync(hbone.Address, hbone.Authority.Certificate(HboneFront.Web).Context, hbone.Authority, SslProtocols.Tls12));
        await SocketExtensions.UntilAsync(() => hbone.Metrics.Refused(TunnelRefusals.Handshake) == 1);
    }

    [Fact]
    public async Task The_port_opens_with_the_first_certificate()
    {
        await using var hbone = await HboneFront.StartAsync(isIssued: false);
        hbone.Front.Serve();
        Assert.False(hbone.Server.IsReady);
        hbone.Identity.Publish(hbone.Authority.Certificate(HboneFront.Self));
        await SocketExtensions.UntilAsync(() => hbone.Server.IsReady);
        await using var client = await hbone.OpenAsync("10.96.0.1:80");
    }

    [Fact]
    public async Task A_new_certificate_is_shown_to_new_connections_and_the_old_ones_go_on()
    {
        await using var hbone = await HboneFront.StartAsync();
        using var backend = new Backend();
        hbone.Front.Serve(backend.Address);
        await using var old = await hbone.ConnectAsync();
        Assert.Equal(200, await old.OpenAsync(1, "10.96.0.2:3306"));
        using var server = await backend.AcceptAsync();
        var before = old.ServerCertificate.SerialNumber;

        hbone.Identity.Publish(hbone.Authority.Certificate(HboneFront.Self));
        await using var next = await hbone.ConnectAsync();
        Assert.NotEqual(before, next.ServerCertificate.SerialNumber);
        Assert.Equal(hbone.Identity.Current!.Leaf.SerialNumber, next.ServerCertificate.SerialNumber);

        await old.SendDataAsync(1, "still there");
        Assert.Equal("still there", await server.ReadAsync(11));
        Assert.Equal(200, await old.OpenAsync(3, "10.96.0.2:3306"));
    }

    [Fact]
    public async Task While_draining_a_new_stream_is_served_and_its_connection_told_to_go()
    {
        await using var hbone = await HboneFront.StartAsync();
        hbone.Front.Serve();
        hbone.Front.Drain.Begin();
        await using var client = await hbone.ConnectAsync();
        await client.RequestAsync(1, "10.96.0.1:80");
        await client.SendDataAsync(1, Get);
        var sawGoAway = false;
        await client.ReadUntilAsync(frame =>
        {
            sawGoAway |= frame.Type == RawFrame.GoAway;
            return frame is { Type: RawFrame.Data, Stream: 1 };
        });
        Assert.True(sawGoAway);
    }

    [Fact]
    public async Task When_the_door_closes_idle_tunnels_are_told_to_go_and_streams_end_in_peace()
    {
        await using var hbone = await HboneFront.StartAsync();
        using var backend = new Backend();
        hbone.Front.Serve(backend.Address);
        await using var client = await hbone.OpenAsync("10.96.0.2:3306");
        using var server = await backend.AcceptAsync();
        await hbone.Front.Plane.StopAcceptingAsync();
        hbone.Server.BeginStop();
        await client.ReadUntilAsync(frame => frame.Type == RawFrame.GoAway);

        await client.SendDataAsync(1, "last words", ends: true);
        Assert.Equal("last words", await server.ReadToEndAsync());
        await server.SendAsync("bye");
        server.Dispose();
        Assert.Equal("bye", await client.ReadTextAsync(1));
        await hbone.Server.StopAsync(CancellationToken.None).WaitAsync(SocketExtensions.Patience);
    }

    [Fact]
    public async Task What_the_backend_sends_arrives_unchanged()
    {
        await using var hbone = await HboneFront.StartAsync();
        using var backend = new Backend();
        hbone.Front.Serve(backend.Address);
        await using var client = await hbone.OpenAsync("10.96.0.2:3306");
        using var server = await backend.AcceptAsync();
        var data = System.Security.Cryptography.RandomNumberGenerator.GetBytes(60_000);
        await server.SendAsync(data);
        server.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        var received = System.Text.Encoding.Latin1.GetBytes(await client.ReadTextAsync(1));
        Assert.Equal(data.Length, received.Length);
        Assert.Equal(data.Length, data.AsSpan().CommonPrefixLength(received));
    }

    [Fact]
    public async Task The_settings_are_ztunnels()
    {
        await using var hbone = await HboneFront.StartAsync();
        await using var client = await hbone.ConnectAsync();
        var settings = (await client.ReadUntilAsync(frame => frame is { Type: RawFrame.Settings, Flags: 0 })).Payload;
        var values = settings.Chunk(6).ToDictionary(s => (s[0] << 8) | s[1], s => (s[2] << 24) | (s[3] << 16) | (s[4] << 8) | s[5]);
        Assert.Equal(200, values[3]);
        Assert.Equal(4 << 20, values[4]);
        var update = (await client.ReadUntilAsync(frame => frame is { Type: RawFrame.WindowUpdate, Stream: 0 })).Payload;
        Assert.Equal((16 << 20) - 65535, (update[0] << 24) | (update[1] << 16) | (update[2] << 8) | update[3]);
    }

    private static async Task AssertRefusedAsync(HboneFront hbone, WorkloadCertificate? certificate, PeerRefusal reason)
    {
        hbone.Front.Serve();
        var isRefused = true;
        try
        {
            await using var client = await RawTunnel.ConnectAsync(hbone.Address, certificate?.Context, hbone.Authority);
            isRefused = await client.IsRefusedAsync();
        }
        catch (IOException)
        {
            // The server was faster.
        }

        Assert.True(isRefused);
        await SocketExtensions.UntilAsync(() => hbone.Metrics.Refused(reason.Label()) == 1);
        await SocketExtensions.UntilAsync(() => hbone.Front.Log.Lines.Any(line => line.Message.Contains(reason.Label(), StringComparison.Ordinal)));
        Assert.Equal(0, hbone.Metrics.Inbound);
        Assert.Equal(0, hbone.Front.Metrics.Accepted);
    }
}
