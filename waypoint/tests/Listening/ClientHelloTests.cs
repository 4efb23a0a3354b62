using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tests.Filters;

namespace Waypoint.Proxy.Tests.Listening;

public sealed class ClientHelloTests
{
    [Theory]
    [InlineData("www.example.com", "www.example.com")]
    [InlineData("WWW.Example.COM", "www.example.com")]
    [InlineData("", "")]
    public async Task The_name_that_TLS_asks_for_is_found(string asked, string found)
    {
        var hello = await HelloAsync(asked);
        Assert.Equal(new ClientHelloName(true, found), ClientHello.Read(hello));
        Assert.Equal(new ClientHelloName(true, found), ClientHello.Read([.. hello, 22, 3, 3, 0, 1, 0]));
    }

    [Fact]
    public async Task Half_a_hello_says_nothing_yet()
    {
        var hello = await HelloAsync("www.example.com");
        for (var length = 0; length < hello.Length; length++)
        {
            Assert.Equal(new ClientHelloName(false, ""), ClientHello.Read(hello.AsSpan(0, length)));
        }
    }

    [Fact]
    public async Task A_hello_may_be_cut_into_records()
    {
        var hello = await HelloAsync("www.example.com");
        var message = hello[5..];
        byte[] cut = [.. Record(message[..1]), .. Record(message[1..50]), .. Record(message[50..])];
        Assert.Equal(new ClientHelloName(true, "www.example.com"), ClientHello.Read(cut));
        Assert.Equal(new ClientHelloName(false, ""), ClientHello.Read(cut.AsSpan(0, cut.Length - 1)));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("\u0016\u0002\u0000\u0000\u0005xxxxx")]
    [InlineData("\u0016\u0003\u0001\u0000\u0001\u0002")]
    [InlineData("\u0016\u0003\u0001\u0000\u0004\u0001\u0000\u0000\u0000")]
    [InlineData("\u0016\u0003\u0001\u0000\u0001\u0001\u0015\u0003\u0001\u0000\u0002")]
    public void What_is_no_hello_has_no_name(string bytes) =>
        Assert.Equal(ClientHelloName.None, ClientHello.Read(System.Text.Encoding.Latin1.GetBytes(bytes)));

    [Fact]
    public async Task Garbled_hellos_are_survived()
    {
        var hello = await HelloAsync("www.example.com");
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var garbled = hello.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                garbled[random.Next(garbled.Length)] = (byte)random.Next(256);
            }

            _ = ClientHello.Read(garbled.AsSpan(0, random.Next(garbled.Length + 1)));
        }
    }

    [Theory]
    [InlineData("www.example.com", true)]
    [InlineData("evil.example.com", false)]
    public async Task A_rule_about_the_name_decides_before_a_backend_is_dialled(string name, bool passes)
    {
        using var backend = new Backend();
        await using var front = await Front.StartAsync();
        Serve(front, backend.Address);
        using var client = await front.ConnectAsync(Front.TcpService);
        var hello = await HelloAsync(name);
        await client.SendAsync(hello.AsMemory(0, 20));
        await Task.Delay(20);
        await client.SendAsync(hello.AsMemory(20));
        if (passes)
        {
            using var server = await backend.AcceptAsync();
            var received = new byte[hello.Length];
            for (var length = 0; length < received.Length;)
            {
                length += await server.ReceiveAsync(received.AsMemory(length));
            }

            Assert.Equal(hello, received);
        }
        else
        {
            Assert.True(await client.IsResetAsync());
            Assert.Equal(1, front.Metrics.Rejected(RejectionReason.AccessDenied));
        }
    }

    [Fact]
    public async Task A_client_that_asks_for_no_server_passes_no_rule_for_one()
    {
        using var backend = new Backend();
        await using var front = await Front.StartAsync(Front.Settings with { HeaderTimeout = TimeSpan.FromMilliseconds(200) });
        Serve(front, backend.Address);
        using var plain = await front.ConnectAsync(Front.TcpService);
        await plain.SendAsync("hello"u8.ToArray());
        Assert.True(await plain.IsResetAsync());
        using var silent = await front.ConnectAsync(Front.TcpService);
        Assert.True(await silent.IsResetAsync());
        Assert.Equal(2, front.Metrics.Rejected(RejectionReason.AccessDenied));
    }

    private static void Serve(Front front, IPEndPoint backend)
    {
        INetworkFilter filter = new FilterConfig().Network("rbac.v3.RBAC", """
            {"rules":{"policies":{"p":{"permissions":[{"requestedServerName":{"exact":"www.example.com"}}],"principals":[{"any":true}]}}}}
            """);
        var chain = new TcpChain("tcp", Front.To(Front.Cluster("backends", backend))) { Filters = [filter] };
        front.Mesh.Publish(new MeshSnapshot(new Dictionary<IPEndPoint, Destination> { [Front.TcpService] = new(null, chain) }));
    }

    private static byte[] Record(byte[] content) => [22, 3, 1, (byte)(content.Length >> 8), (byte)content.Length, .. content];

    /// <summary>What a real client sends first.</summary>
    private static async Task<byte[]> HelloAsync(string name)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!);
        using var server = await listener.AcceptAsync();
        await using var tls = new SslStream(new NetworkStream(client));
        var handshake = tls.AuthenticateAsClientAsync(name);
        var bytes = new byte[16 * 1024];
        var length = 0;
        while (length < 5 || length < 5 + ((bytes[3] << 8) | bytes[4]))
        {
            length += await server.ReceiveAsync(bytes.AsMemory(length));
        }

        server.Close();
        await ((Task)handshake).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return bytes[..length];
    }
}
