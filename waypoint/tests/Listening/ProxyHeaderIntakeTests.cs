using System.Net;
using System.Net.Sockets;
using System.Text;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tests.Forwarding;

namespace Waypoint.Proxy.Tests.Listening;

public sealed class ProxyHeaderIntakeTests
{
    private const string Get = "GET /x HTTP/1.1\r\nHost: shop\r\n\r\n";
    private static readonly IPEndPoint Stranger = IPEndPoint.Parse("192.0.2.1:1234");

    /// <summary>The lot, for one header: what follows must arrive byte for byte however the header was cut.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_header_split_at_every_byte_is_taken_off_exactly(int version)
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        var length = version == 1 ? "PROXY TCP4 192.0.2.1 10.96.0.2 1234 3306\r\n".Length : ProxyHeaders.V2(Stranger, Front.TcpService).Length;
        for (var cut = 1; cut <= length; cut++)
        {
            using var client = await front.ConnectAsync();
            byte[] header = version == 1 ? "PROXY TCP4 192.0.2.1 10.96.0.2 1234 3306\r\n"u8.ToArray() : ProxyHeaders.V2(Stranger, Front.TcpService);
            await client.SendAsync(header.AsMemory(0, cut));
            if (cut < header.Length)
            {
                // Until the first part was looked at, the second must not join it.
                await SocketExtensions.UntilAsync(() => front.Metrics.Undecided == 1);
                await Task.Yield();
            }

            await client.SendAsync((byte[])[.. header.AsSpan(cut), 0, 1, 2, 0xff]);
            using var server = await backend.AcceptAsync();
            Assert.Equal("\0\x01\x02\xff", await server.ReadAsync(4));
            client.Shutdown(SocketShutdown.Send);
            Assert.Equal("", await server.ReadToEndAsync());
            server.Dispose();
            Assert.Equal("", await client.ReadToEndAsync());
        }
    }

    [Fact]
    public async Task A_header_that_comes_byte_by_byte_is_taken_off_before_HTTP()
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var client = await front.ConnectAsync();
        byte[] bytes = [.. ProxyHeaders.V2(Stranger, Front.HttpService), .. Encoding.ASCII.GetBytes(Get)];
        foreach (var one in bytes)
        {
            await client.SendAsync((byte[])[one]);
        }

        Assert.EndsWith("/x to 10.96.0.1:80 from 127.0.0.1 as - chain http", await client.ReadResponseAsync());
    }

    [Fact]
    public async Task Only_the_first_header_is_ours()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        await client.SendAsync("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nrest");
        using var server = await backend.AcceptAsync();
        Assert.Equal("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nrest", await server.ReadAsync(36));
    }

    [Fact]
    public async Task A_client_named_by_a_stranger_is_not_believed_and_the_peer_stands_in()
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var client = await front.ConnectAsync();
        await client.SendAsync((byte[])[.. ProxyHeaders.V2(Stranger, Front.HttpService, (0xD0, ProxyHeaders.Principal("spiffe://td/ns/a/sa/b"))), .. Encoding.ASCII.GetBytes(Get)]);
        Assert.EndsWith("from 127.0.0.1 as - chain http", await client.ReadResponseAsync());
        Assert.Equal(1, front.Metrics.Disbelieved);
    }

    [Fact]
    public async Task A_peer_with_an_application_tunnel_is_believed_with_the_identity_it_names()
    {
        await using var front = (await Front.StartAsync()).Serve();
        front.Mesh.Workloads.Upsert(new Workload { Uid = "tunnel", Addresses = [IPAddress.Loopback], HasApplicationTunnel = true });
        using var client = await front.ConnectAsync();
        await client.SendAsync((byte[])[.. ProxyHeaders.V2(Stranger, Front.HttpService, (0xD0, ProxyHeaders.Principal("spiffe://td/ns/a/sa/b"))), .. Encoding.ASCII.GetBytes(Get)]);
        Assert.EndsWith("from 192.0.2.1 as spiffe://td/ns/a/sa/b chain http", await client.ReadResponseAsync());
        Assert.Equal(0, front.Metrics.Disbelieved);
    }

    [Theory]
    [InlineData("spiffe://td/ns/a/sa/b", true, true)]
    [InlineData("spiffe://td/ns/a/sa/c", false, true)]
    [InlineData("spiffe://td/ns/a/sa/b", true, false)]
    [InlineData("spiffe://td/ns/a/sa/c", false, false)]
    public async Task Filters_judge_the_client_for_which_a_tunnel_speaks_and_not_the_tunnel(string client, bool passes, bool isDeclared)
    {
        using var backend = new Backend();
        await using var front = await Front.StartAsync();
        front.Mesh.Workloads.Upsert(new Workload { Uid = "tunnel", Addresses = [IPAddress.Loopback], HasApplicationTunnel = true });
        var filter = new Filters.FilterConfig().Network("rbac.v3.RBAC", """
            {"rules":{"policies":{"p":{"permissions":[{"any":true}],"principals":[{"authenticated":{"principalName":{"exact":"spiffe://td/ns/a/sa/b"}}}]}}}}
            """);
        var chain = new TcpChain("tcp", Front.To(Front.Cluster("backends", backend.Address))) { Filters = [filter] };
        var http = isDeclared ? null : new HttpChain { Name = "http", Routes = Proxy.Routing.RouteTable.Empty };
        front.Mesh.Publish(new MeshSnapshot(new Dictionary<IPEndPoint, Destination> { [Front.TcpService] = new(http, chain) }));

        var tunnel = new IPEndPoint(IPAddress.Loopback, 1);
        using var near = Proxy.Sockets.SocketPair.Create(out var far);
        front.Plane.Serve(new TunnelledConnection(Front.TcpService, tunnel, tunnel, "spiffe://td/ns/a/sa/tunnel", IPAddress.Any), far, () => { });
        await near.SendAsync((byte[])[.. ProxyHeaders.V2(Stranger, Front.TcpService, (0xD0, ProxyHeaders.Principal(client))), .. "rest"u8]);
        if (passes)
        {
            using var server = await backend.AcceptAsync();
            Assert.Equal("rest", await server.ReadAsync(4));
        }
        else
        {
            await Eventually.HoldsAsync(() => front.Metrics.Rejected(RejectionReason.AccessDenied) == 1);
        }
    }

    [Fact]
    public async Task A_peer_that_names_its_own_address_proves_no_identity()
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var client = await front.ConnectAsync();
        var self = new IPEndPoint(IPAddress.Loopback, 1);
        await client.SendAsync((byte[])[.. ProxyHeaders.V2(self, Front.HttpService, (0xD0, ProxyHeaders.Principal("spiffe://td/ns/a/sa/b"))), .. Encoding.ASCII.GetBytes(Get)]);
        Assert.EndsWith("from 127.0.0.1 as - chain http", await client.ReadResponseAsync());
        Assert.Equal(0, front.Metrics.Disbelieved);
    }

    [Theory]
    [MemberData(nameof(ProxyHeaderParserTests.Malformed), MemberType = typeof(ProxyHeaderParserTests))]
    public async Task A_malformed_header_closes_the_connection_and_is_counted_by_its_fault(string what, byte[] bytes, string reason)
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var client = await front.ConnectAsync();
        await client.SendAsync(bytes);
        Assert.True(await client.IsResetAsync(), what);
        Assert.Equal(1, front.Metrics.Rejected(Enum.Parse<RejectionReason>(reason)));
        Assert.Contains(front.Log.Lines, line => line.Message.Contains(Enum.Parse<RejectionReason>(reason).Label(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(13)]
    [InlineData(16)]
    [InlineData(27)]
    public async Task A_header_that_ends_too_soon_or_falls_silent_closes_the_connection(int length)
    {
        await using var front = (await Front.StartAsync(Front.Settings with { HeaderTimeout = TimeSpan.FromMilliseconds(700) })).Serve();
        using var ended = await front.ConnectAsync();
        await ended.SendAsync(ProxyHeaders.V2(Stranger, Front.HttpService).AsMemory(0, length));
        ended.Shutdown(SocketShutdown.Send);
        Assert.True(await ended.IsResetAsync());

        using var silent = await front.ConnectAsync();
        await silent.SendAsync(ProxyHeaders.V2(Stranger, Front.HttpService).AsMemory(0, length));
        Assert.True(await silent.IsResetAsync());
        Assert.Equal(2, front.Metrics.Rejected(RejectionReason.ProxyHeaderTruncated));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: shop\r\n\r\n")]
    [InlineData("\r\n\r\n\0\r\nQUIX\n!\x11\0\x0c123456789012")]
    [InlineData("PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n\r\n")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n \0\0\0")]
    public async Task Without_a_destination_the_connection_is_closed_without_a_word(string bytes)
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var client = await front.ConnectAsync();
        await client.SendAsync(bytes);
        Assert.True(await client.IsResetAsync());
        Assert.Equal(1, front.Metrics.Rejected(RejectionReason.NoDestination));
    }

    [Fact]
    public async Task A_silent_connection_without_a_destination_is_closed()
    {
        await using var front = (await Front.StartAsync(Front.Settings with { HeaderTimeout = TimeSpan.FromMilliseconds(50) })).Serve();
        using var client = await front.ConnectAsync();
        Assert.True(await client.IsResetAsync());
        Assert.Equal(1, front.Metrics.Rejected(RejectionReason.NoDestination));
    }

    [Fact]
    public async Task A_destination_that_nobody_serves_is_refused()
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var client = await front.ConnectAsync(IPEndPoint.Parse("10.96.0.9:80"));
        Assert.True(await client.IsResetAsync());
        Assert.Equal(1, front.Metrics.Rejected(RejectionReason.UnknownDestination));
    }

    [Fact]
    public async Task A_destination_that_is_the_waypoint_itself_is_refused_whatever_the_port()
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var client = await front.ConnectAsync(new IPEndPoint(IPAddress.Loopback, 15000));
        Assert.True(await client.IsResetAsync());
        Assert.Equal(1, front.Metrics.Rejected(RejectionReason.OwnAddress));
    }

    [Fact]
    public async Task After_bad_connections_good_ones_are_served_and_none_is_left_open()
    {
        await using var front = (await Front.StartAsync()).Serve();
        for (var i = 0; i < 50; i++)
        {
            using var bad = await front.ConnectAsync();
            await bad.SendAsync(ProxyHeaders.V2(0x31, 0x11, new byte[i]));
            Assert.True(await bad.IsResetAsync());
        }

        using (var good = await front.ConnectAsync(Front.HttpService))
        {
            await good.SendAsync(Get);
            Assert.StartsWith("HTTP/1.1 200", await good.ReadResponseAsync());
        }

        await SocketExtensions.UntilAsync(() => front.Metrics.Active == 0);
        Assert.Equal(0, front.Metrics.Undecided);
    }
}
