using System.Net;
using Microsoft.Extensions.Logging;
using Waypoint.Proxy.Hbone;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Tests.Hbone;

/// <summary>
/// A pod whose HBONE port is our own inbound side: what comes by tunnel for the pod's address goes to a backend of the test. The client is the
/// outbound side, with an identity of its own.
/// </summary>
internal sealed class TunnelServer : IAsyncDisposable
{
    /// <summary>The pod's address: the tunnel's authority. What is dialled is on loopback.</summary>
    public static readonly IPEndPoint Pod = IPEndPoint.Parse("10.244.7.7:8080");

    private TunnelServer(HboneFront hbone) => Hbone = hbone;

    public HboneFront Hbone { get; }

    public WorkloadDirectory Workloads { get; } = new();

    public RecordedLog Log { get; } = new();

    public HboneMetrics Metrics { get; } = new();

    /// <summary>The pod's own port, for what does not come by tunnel.</summary>
    public static async Task<TunnelServer> StartAsync(IPEndPoint backend, string pod = HboneFront.Self)
    {
        var server = new TunnelServer(await HboneFront.StartAsync());
        server.Hbone.Front.Mesh.Publish(new MeshSnapshot(new Dictionary<IPEndPoint, Destination>
        {
            [Pod] = new(null, new TcpChain("pod", Front.To(Front.Cluster("pod", backend)))),
        }));
        server.Expect(pod);
        return server;
    }

    /// <summary>Says in WDS who is at the pod's address.</summary>
    public void Expect(string uri)
    {
        Assert.True(SpiffeId.TryParse(uri, out var id));
        Workloads.Upsert(new Workload
        {
            Uid = "pod", Addresses = [Pod.Address], TrustDomain = id.TrustDomain, Namespace = id.Namespace, ServiceAccount = id.ServiceAccount,
        });
    }

    public UpstreamTunnels Tunnels(UpstreamHboneMode mode = UpstreamHboneMode.Always, WorkloadIdentity? identity = null, int? port = null) => Tunnels(mode, identity, port, Hbone.Address);

    private UpstreamTunnels Tunnels(UpstreamHboneMode mode, WorkloadIdentity? identity, int? port, IPEndPoint address) => new(
        mode,
        new HboneIdentity(identity ?? Hbone.Authority.Identity("spiffe://cluster.local/ns/shop/sa/waypoint")),
        Workloads,
        "k8s.namespace.name=shop",
        new TunnelRefusals(Metrics, LoggerFactory.Create(logging => logging.AddProvider(Log)).CreateLogger<TunnelRefusals>()),
        _ => port is { } other ? new IPEndPoint(IPAddress.Loopback, other) : address);

    public static Cluster Cluster(IPEndPoint endpoint) => new()
    {
        Name = "tunnelled",
        Endpoints = [new Proxy.LoadBalancing.Endpoint { Address = endpoint, WantsTunnel = true, State = new EndpointState() }],
        ConnectTimeout = TimeSpan.FromSeconds(5),
    };

    public async ValueTask DisposeAsync()
    {
        await Hbone.DisposeAsync();
        Metrics.Dispose();
    }
}
