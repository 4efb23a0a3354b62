using System.Net.Sockets;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tests.Listening;

namespace Waypoint.Proxy.Tests.Tcp;

/// <summary>How many connections there may be, how long they may be silent, and how old they may become.</summary>
public sealed class LimitTests : IDisposable
{
    private readonly TcpListener _backend = new(System.Net.IPAddress.Loopback, 0);

    public LimitTests() => _backend.Start();

    public void Dispose() => _backend.Dispose();

    [Fact]
    public async Task No_more_connections_than_may_be_are_made_and_one_that_ends_makes_room()
    {
        await using var front = await StartAsync(chain => chain, new CircuitBreakers { MaxConnections = 1 });
        using var first = await front.ConnectAsync(Front.TcpService);
        using var server = await _backend.AcceptSocketAsync();
        using (var second = await front.ConnectAsync(Front.TcpService))
        {
            Assert.Equal("", await EndAsync(second));
        }

        first.Dispose();
        server.Dispose();
        await SocketExtensions.UntilAsync(() => front.Connections.Closed == 2);
        using var third = await front.ConnectAsync(Front.TcpService);
        using var again = await _backend.AcceptSocketAsync();
        await third.SendAsync("x");
        Assert.Equal("x", await again.ReadAsync(1));
    }

    [Fact]
    public async Task A_silent_connection_ends_when_the_chain_says_so()
    {
        await using var front = await StartAsync(chain => chain with { IdleTimeout = TimeSpan.FromMilliseconds(200) });
        using var client = await front.ConnectAsync(Front.TcpService);
        using var server = await _backend.AcceptSocketAsync();
        Assert.Equal("", await EndAsync(client));
    }

    [Fact]
    public async Task An_old_connection_ends_though_it_is_busy()
    {
        await using var front = await StartAsync(chain => chain with { MaxDuration = TimeSpan.FromMilliseconds(300) });
        using var client = await front.ConnectAsync(Front.TcpService);
        using var server = await _backend.AcceptSocketAsync();
        var ended = EndAsync(client);
        while (!ended.IsCompleted)
        {
            try
            {
                await server.SendAsync("x");
            }
            catch (SocketException)
            {
                break;
            }

            await Task.Delay(10);
        }

        Assert.Matches("^x*$", await ended);
        await SocketExtensions.UntilAsync(() => front.Connections.Closed == 1);
    }

    private async Task<Front> StartAsync(Func<TcpChain, TcpChain> change, CircuitBreakers? limits = null)
    {
        var backends = new Cluster
        {
            Name = "backends",
            Endpoints = [new Endpoint { Address = (System.Net.IPEndPoint)_backend.LocalEndpoint, State = new EndpointState() }],
            CircuitBreakers = limits ?? new CircuitBreakers(),
        };
        var front = await Front.StartAsync();
        front.Mesh.Publish(new MeshSnapshot([new(Front.TcpService, new Destination(null, change(new TcpChain("tcp", Front.To(backends)))))]));
        return front;
    }

    /// <summary>What comes until the end, be it a clean one or not.</summary>
    private static async Task<string> EndAsync(Socket client)
    {
        var received = new System.Text.StringBuilder();
        var buffer = new byte[1024];
        try
        {
            while (await client.ReceiveAsync(buffer).WaitAsync(TimeSpan.FromSeconds(10)) is > 0 and var count)
            {
                received.Append(System.Text.Encoding.Latin1.GetString(buffer, 0, count));
            }
        }
        catch (SocketException)
        {
            return received.ToString();
        }

        return received.ToString();
    }
}
