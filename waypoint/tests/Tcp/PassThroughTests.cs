using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Tests.Listening;

namespace Waypoint.Proxy.Tests.Tcp;

public sealed class PassThroughTests
{
    [Fact]
    public async Task A_server_first_protocol_on_a_declared_port_needs_no_byte_of_the_client()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        using var server = await backend.AcceptAsync();
        await server.SendAsync("greeting");
        Assert.Equal("greeting", await client.ReadAsync(8));
    }

    [Fact]
    public async Task A_client_that_has_said_all_still_hears_the_server()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        using var server = await backend.AcceptAsync();
        await client.SendAsync("question");
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("question", await server.ReadToEndAsync());
        await server.SendAsync("first ");
        await server.SendAsync("second");
        server.Shutdown(SocketShutdown.Send);
        Assert.Equal("first second", await client.ReadToEndAsync());
        await SocketExtensions.UntilAsync(() => front.Connections.Closed == 1);
        Assert.Equal((8, 12), (front.Connections.BytesReceived, front.Connections.BytesSent));
    }

    [Fact]
    public async Task A_server_that_has_said_all_still_hears_the_client()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        using var server = await backend.AcceptAsync();
        await server.SendAsync("all");
        server.Shutdown(SocketShutdown.Send);
        Assert.Equal("all", await client.ReadToEndAsync());
        await client.SendAsync("and more");
        Assert.Equal("and more", await server.ReadAsync(8));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("", await server.ReadToEndAsync());
    }

    [Fact]
    public async Task A_reset_of_the_client_reaches_the_server_as_a_reset()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        var client = await front.ConnectAsync(Front.TcpService);
        using var server = await backend.AcceptAsync();
        await client.SendAsync("x");
        await server.ReadAsync(1);
        client.Reset();
        Assert.True(await server.IsResetAsync());
    }

    [Fact]
    public async Task A_reset_of_the_server_reaches_the_client_as_a_reset()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        var server = await backend.AcceptAsync();
        await client.SendAsync("x");
        await server.ReadAsync(1);
        server.Reset();
        Assert.True(await client.IsResetAsync());
    }

    [Fact]
    public async Task A_reset_is_passed_on_while_the_other_side_does_not_read()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        var server = await backend.AcceptAsync();
        await FillAsync(server);
        server.Reset();
        await SocketExtensions.UntilAsync(() => front.Connections.Closed == 1);
        Assert.True(await client.IsResetAsync());
    }

    [Fact]
    public async Task A_slow_reader_holds_the_sender_back_and_loses_nothing()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        using var server = await backend.AcceptAsync();
        var sent = await FillAsync(server);
        server.Shutdown(SocketShutdown.Send);
        var read = await ReadAllAsync(client);
        Assert.Equal(sent, read.Bytes);
    }

    [Fact]
    public async Task Sixty_four_megabytes_each_way_at_once_arrive_as_they_were_sent()
    {
        const int megabytes = 64;
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        using var server = await backend.AcceptAsync();
        var up = SendRandomAsync(client, megabytes, seed: 1);
        var down = SendRandomAsync(server, megabytes, seed: 2);
        var atServer = ReadAllAsync(server);
        var atClient = ReadAllAsync(client);
        Assert.Equal(await up, (await atServer).Digest);
        Assert.Equal(await down, (await atClient).Digest);
    }

    [Fact]
    public async Task Many_connections_at_once_keep_their_bytes_apart()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(backend.Address);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async i =>
        {
            using var client = await front.ConnectAsync(Front.TcpService);
            var up = SendRandomAsync(client, 1, seed: i);
            using var server = await backend.AcceptAsync();
            var read = await ReadAllAsync(server);
            await server.SendAsync(read.Digest);
            server.Shutdown(SocketShutdown.Send);
            Assert.Equal(await up, await client.ReadToEndAsync());
        }));
        await SocketExtensions.UntilAsync(() => front.Metrics.Active == 0);
    }

    [Fact]
    public async Task When_an_endpoint_refuses_another_is_tried()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync()).Serve(UndeclaredPortTests.ClosedPort(), backend.Address);
        for (var i = 0; i < 8; i++)
        {
            using var client = await front.ConnectAsync(Front.TcpService);
            using var server = await backend.AcceptAsync();
            await client.SendAsync("x");
            Assert.Equal("x", await server.ReadAsync(1));
        }
    }

    [Fact]
    public async Task When_every_endpoint_refuses_the_client_is_reset()
    {
        await using var front = (await Front.StartAsync()).Serve(UndeclaredPortTests.ClosedPort(), UndeclaredPortTests.ClosedPort());
        using var client = await front.ConnectAsync(Front.TcpService);
        Assert.True(await client.IsResetAsync());
        Assert.Equal(1, front.Metrics.Rejected(RejectionReason.ConnectFailure));
    }

    [Fact]
    public async Task Without_an_endpoint_the_client_is_reset()
    {
        await using var front = (await Front.StartAsync()).Serve();
        using var client = await front.ConnectAsync(Front.TcpService);
        Assert.True(await client.IsResetAsync());
        Assert.Equal(1, front.Metrics.Rejected(RejectionReason.NoEndpoint));
    }

    [Fact]
    public async Task Weights_decide_which_cluster_gets_a_connection()
    {
        using var one = new Backend();
        using var none = new Backend();
        await using var front = await Front.StartAsync();
        var shares = new[] { (Front.Cluster("one", one.Address), 1u), (Front.Cluster("none", none.Address), 0u) };
        var chain = new TcpChain("split", new WeightedClusters(shares.Select(s =>
            new WeightedCluster(new ClusterSlot(s.Item1.Name) { Current = s.Item1 }, s.Item2, HeaderMutations.None, HeaderMutations.None))));
        front.Mesh.Publish(new MeshSnapshot(new Dictionary<IPEndPoint, Destination> { [Front.TcpService] = new(null, chain) }));
        for (var i = 0; i < 20; i++)
        {
            using var client = await front.ConnectAsync(Front.TcpService);
            using var server = await one.AcceptAsync();
        }

        await SocketExtensions.UntilAsync(() => front.Connections.Closed == 20);
    }

    [Fact]
    public async Task Workload_addressed_traffic_goes_to_the_very_address()
    {
        using var backend = new Backend();
        await using var front = await Front.StartAsync(Front.Settings with { Address = new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0) });
        var cluster = new Cluster { Name = "encap", Endpoints = [], IsOriginalDestination = true };
        front.Mesh.Publish(new MeshSnapshot(new Dictionary<IPEndPoint, Destination> { [backend.Address] = new(null, new TcpChain("direct", Front.To(cluster))) }));
        using var client = await front.ConnectAsync(backend.Address);
        using var server = await backend.AcceptAsync();
        await client.SendAsync("x");
        Assert.Equal("x", await server.ReadAsync(1));
    }

    [Fact]
    public async Task A_connection_on_which_nothing_moves_is_closed()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync(tcp: new TcpSettings(TimeSpan.FromMilliseconds(100)))).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        using var server = await backend.AcceptAsync();
        Assert.Equal("", await client.ReadToEndAsync());
        Assert.Equal("", await server.ReadToEndAsync());
    }

    [Fact]
    public async Task A_connection_that_is_busy_one_way_is_not_idle()
    {
        using var backend = new Backend();
        await using var front = (await Front.StartAsync(tcp: new TcpSettings(TimeSpan.FromSeconds(1.5)))).Serve(backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        using var server = await backend.AcceptAsync();
        for (var i = 0; i < 10; i++)
        {
            await server.SendAsync("x");
            Assert.Equal("x", await client.ReadAsync(1));
            await Task.Delay(200);
        }
    }

    /// <summary>Sends until the other end no longer takes any.</summary>
    private static async Task<long> FillAsync(Socket socket)
    {
        var chunk = new byte[64 * 1024];
        var sent = 0L;
        socket.Blocking = false;
        await Task.Yield();
        while (socket.Poll(TimeSpan.FromMilliseconds(300), SelectMode.SelectWrite))
        {
            sent += Math.Max(0, socket.Send(chunk, SocketFlags.None, out _));
        }

        return sent;
    }

    private static async Task<string> SendRandomAsync(Socket socket, int megabytes, int seed)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var random = new Random(seed);
        var chunk = new byte[1 << 20];
        for (var i = 0; i < megabytes; i++)
        {
            random.NextBytes(chunk);
            digest.AppendData(chunk);
            for (var at = 0; at < chunk.Length;)
            {
                at += await socket.SendAsync(chunk.AsMemory(at));
            }
        }

        socket.Shutdown(SocketShutdown.Send);
        return Convert.ToHexString(digest.GetHashAndReset());
    }

    private static async Task<(long Bytes, string Digest)> ReadAllAsync(Socket socket)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[128 * 1024];
        var total = 0L;
        for (int received; (received = await socket.ReceiveAsync(buffer)) > 0; total += received)
        {
            digest.AppendData(buffer.AsSpan(0, received));
        }

        return (total, Convert.ToHexString(digest.GetHashAndReset()));
    }
}
