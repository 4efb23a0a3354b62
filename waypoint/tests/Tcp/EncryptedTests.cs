using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Proxy.Tests.Tls;
using Waypoint.Proxy.Tls;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;

namespace Waypoint.Proxy.Tests.Tcp;

/// <summary>Connections that are passed through byte for byte, to a backend that wants TLS.</summary>
public sealed class EncryptedTests : IDisposable
{
    private readonly TestCertificates _authority = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public EncryptedTests() => _listener.Start();

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task Bytes_of_both_sides_arrive_and_each_end_by_itself()
    {
        await using var front = await StartAsync(_authority);
        using var client = await front.ConnectAsync(Front.TcpService);
        await using var server = await AcceptAsync();
        await client.SendAsync("question");
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("question", await new StreamReader(server).ReadToEndAsync());

        await server.WriteAsync("first "u8.ToArray());
        await server.WriteAsync("second"u8.ToArray());
        await server.ShutdownAsync();
        Assert.Equal("first second", await client.ReadToEndAsync());
        await SocketExtensions.UntilAsync(() => front.Connections.Closed == 1);
        Assert.Equal((8, 12), (front.Connections.BytesReceived, front.Connections.BytesSent));
    }

    [Fact]
    public async Task Many_bytes_arrive_as_they_were()
    {
        await using var front = await StartAsync(_authority);
        using var client = await front.ConnectAsync(Front.TcpService);
        await using var server = await AcceptAsync();
        var bytes = RandomNumberGenerator.GetBytes(3_000_000);
        var sending = server.WriteAsync(bytes).AsTask().ContinueWith(_ => server.ShutdownAsync(), TaskScheduler.Default).Unwrap();
        var received = await client.ReadToEndAsync();
        await sending;
        Assert.True(Encoding.Latin1.GetBytes(received).AsSpan().SequenceEqual(bytes));
    }

    [Fact]
    public async Task A_backend_that_is_not_who_it_should_be_gets_nothing()
    {
        await using var front = await StartAsync(new TestCertificates("another root"));
        using var client = await front.ConnectAsync(Front.TcpService);
        await client.SendAsync("secret");
        using var accepted = await _listener.AcceptTcpClientAsync();
        await using var server = new SslStream(accepted.GetStream());
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await server.AuthenticateAsServerAsync(_authority.Issue(["echo.example"]));
            await server.ReadExactlyAsync(new byte[1]);
        });
        await SocketExtensions.UntilAsync(() => front.Connections.Closed == 1);
        Assert.Equal(0, front.Connections.BytesReceived);
    }

    private async Task<Front> StartAsync(TestCertificates trusted)
    {
        var cluster = new Cluster
        {
            Name = "tls",
            Endpoints = [new Endpoint { Address = (IPEndPoint)_listener.LocalEndpoint, State = new EndpointState() }],
            ConnectTimeout = TimeSpan.FromMilliseconds(500),
            Tls = new UpstreamTls { Key = "", Roots = () => new TrustedRoots([trusted.Root, trusted.Intermediate]) },
        };
        return (await Front.StartAsync()).Serve(cluster);
    }

    private async Task<SslStream> AcceptAsync()
    {
        var server = new SslStream(new NetworkStream(await _listener.AcceptSocketAsync(), ownsSocket: true));
        await server.AuthenticateAsServerAsync(_authority.Issue(["echo.example"]));
        return server;
    }
}
