using System.Net;
using Microsoft.Extensions.Logging;
using Waypoint.Proxy.Hbone;
using Waypoint.Proxy.Hbone.Inbound;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Xds.Identity;
using Waypoint.Xds.Tests.Identity;

namespace Waypoint.Proxy.Tests.Hbone;

/// <summary>The waypoint's front with an HBONE port, and the authority that its peers have their certificates from.</summary>
internal sealed class HboneFront : IAsyncDisposable
{
    public const string Web = "spiffe://cluster.local/ns/shop/sa/web";
    public const string Self = "spiffe://cluster.local/ns/shop/sa/waypoint";

    private HboneFront(Front front, WorkloadIdentity identity, HboneSettings settings)
    {
        Front = front;
        Identity = identity;
        var loggers = LoggerFactory.Create(logging => logging.AddProvider(front.Log));
        Server = new HboneServer(
            settings,
            new HboneIdentity(identity),
            new TunnelRefusals(Metrics, loggers.CreateLogger<TunnelRefusals>()),
            Metrics,
            front.Mesh,
            front.Plane,
            front.Drain,
            loggers);
    }

    public Front Front { get; }

    public TestAuthority Authority { get; private init; } = null!;

    public WorkloadIdentity Identity { get; }

    public HboneMetrics Metrics { get; } = new();

    public HboneServer Server { get; }

    public IPEndPoint Address => Server.LocalEndPoint!;

    /// <param name="isIssued">False leaves the first certificate to the test.</param>
    public static async Task<HboneFront> StartAsync(HboneSettings? settings = null, bool isIssued = true)
    {
        var authority = new TestAuthority();
        var identity = new WorkloadIdentity(() => [authority.Root]);
        if (isIssued)
        {
            identity.Publish(authority.Certificate(Self));
        }

        settings = (settings ?? new HboneSettings()) with { Address = new IPEndPoint(IPAddress.Loopback, 0) };
        var front = new HboneFront(await Front.StartAsync(), identity, settings) { Authority = authority };
        await front.Server.StartedAsync(CancellationToken.None);
        if (isIssued)
        {
            await SocketExtensions.UntilAsync(() => front.Server.IsReady);
        }

        return front;
    }

    /// <summary>A client with a certificate of the authority.</summary>
    public Task<RawTunnel> ConnectAsync(string uri = Web) => RawTunnel.ConnectAsync(Address, Authority.Certificate(uri).Context, Authority);

    /// <summary>A client whose stream 1 leads to <paramref name="authority"/>.</summary>
    public async Task<RawTunnel> OpenAsync(string authority)
    {
        var client = await ConnectAsync();
        Assert.Equal(200, await client.OpenAsync(1, authority));
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        await Front.DisposeAsync();
        await Server.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TimeSpan.FromSeconds(10));
        Server.Dispose();
        Metrics.Dispose();
    }
}
