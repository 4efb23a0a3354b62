using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.Proxy.Hbone;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Xds.Identity;
using Waypoint.Xds.Tests.Identity;

namespace Waypoint.Proxy.Tests.Hbone;

public sealed class RefusedTunnelTests
{
    [Fact]
    public async Task A_port_that_refuses_is_asked_again_each_time_and_leaves_nothing_behind()
    {
        using var metrics = new HboneMetrics();
        var identity = new TestAuthority().Identity("spiffe://cluster.local/ns/shop/sa/waypoint");
        var dialer = new TunnelDialer(identity, new TunnelRefusals(metrics, NullLogger<TunnelRefusals>.Instance), _ => new IPEndPoint(IPAddress.Loopback, 1));
        await using var pool = new TunnelPool(dialer.DialAsync, new TunnelSessionSettings());
        var id = new SpiffeId("cluster.local", "shop", "default");
        for (var i = 0; i < 20; i++)
        {
            var tries = Enumerable.Range(0, 10).Select(_ => Assert.ThrowsAsync<TunnelException>(
                () => pool.OpenAsync(IPEndPoint.Parse("10.0.0.1:80"), id, [], CancellationToken.None)));
            var thrown = await Task.WhenAll(tries).WaitAsync(TimeSpan.FromSeconds(5));
            Assert.All(thrown, e => Assert.True(e.IsRefused));
            Assert.Equal(0, pool.Servers);
        }
    }

    [Fact]
    public async Task A_port_that_does_not_answer_is_counted_and_logged_and_never_dialled_plainly()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        silent.Listen();
        var log = new RecordedLog();
        using var metrics = new HboneMetrics();
        var identity = new TestAuthority().Identity("spiffe://cluster.local/ns/shop/sa/waypoint");
        var refusals = new TunnelRefusals(metrics, LoggerFactory.Create(logging => logging.AddProvider(log)).CreateLogger<TunnelRefusals>());
        var dialer = new TunnelDialer(identity, refusals, _ => (IPEndPoint)silent.LocalEndPoint!, TimeSpan.FromSeconds(0.2));

        var thrown = await Assert.ThrowsAsync<TunnelException>(() => dialer.DialAsync(IPAddress.Loopback, new SpiffeId("cluster.local", "shop", "default")));

        Assert.Equal("hbone_connect_timeout", thrown.Reason);
        Assert.False(thrown.IsRefused);
        Assert.Equal(1, metrics.Refused("no_answer"));
        Assert.Contains(log.Lines, line => line.Message.Contains($"{silent.LocalEndPoint}", StringComparison.Ordinal) && line.Message.Contains("no_answer within 0.2 s", StringComparison.Ordinal));
    }
}
