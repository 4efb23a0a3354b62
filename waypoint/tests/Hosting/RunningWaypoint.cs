using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Waypoint.Proxy.Admin;
using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Tests.Listening;
using Waypoint.Proxy.Tests.Xds;
using Waypoint.Xds.Delta.Client;
using static Waypoint.Proxy.Tests.Xds.IstiodShapes;
using ControlPlane = Waypoint.Proxy.Xds.ControlPlane;

namespace Waypoint.Proxy.Tests.Hosting;

/// <summary>The whole program in this process, on ports of the kernel's choice, driven by a control plane on loopback.</summary>
internal sealed class RunningWaypoint : IAsyncDisposable
{
    public static readonly IPEndPoint HttpService = IPEndPoint.Parse("10.96.0.1:80");
    public static readonly IPEndPoint TcpService = IPEndPoint.Parse("10.96.0.1:9090");

    private const string HttpCluster = "inbound-vip|80|http|echo.shop.svc.cluster.local";
    private const string TcpCluster = "inbound-vip|9090|tcp|echo.shop.svc.cluster.local";

    private readonly IHost _host;
    private readonly Readiness _readiness;
    private readonly ListeningPlane _plane;
    private readonly AdminServer _admin;

    private RunningWaypoint(IHost host)
    {
        _host = host;
        _readiness = host.Services.GetRequiredService<Readiness>();
        _plane = host.Services.GetRequiredService<ListeningPlane>();
        _admin = host.Services.GetRequiredService<AdminServer>();
    }

    public IPEndPoint Address => _plane.LocalEndPoint;

    public bool IsReady => _readiness.IsReady;

    public IPEndPoint Admin => _admin.BoundAddresses[0];

    public IPEndPoint Agent => _admin.BoundAddresses[1];

    public IPEndPoint Prometheus => _admin.BoundAddresses[2];

    public IPEndPoint Ready => _admin.BoundAddresses[3];

    public static async Task<RunningWaypoint> StartAsync(Uri control, PodEnvironment pod)
    {
        var anyPort = new IPEndPoint(IPAddress.Loopback, 0);
        var options = new WaypointOptions
        {
            Pod = pod,
            Listening = new ListeningSettings { Address = anyPort, Loops = 2 },
            Admin = anyPort,
            Agent = anyPort,
            Prometheus = anyPort,
            Ready = anyPort,
        };
        var waypoint = new RunningWaypoint(WaypointHost.Build(options, services =>
            services.AddSingleton(provider => ControlPlane.For(provider.GetRequiredService<PodEnvironment>()) with { Address = control })));
        await waypoint._host.StartAsync();
        return waypoint;
    }

    public static PodEnvironment Pod(TimeSpan drain) => new()
    {
        PodName = "waypoint-1",
        Namespace = "shop",
        InstanceIp = "10.244.0.5",
        DnsDomain = "shop.svc.cluster.local",
        ProxyConfig = new ProxyConfig { DiscoveryAddress = "127.0.0.1:15010", TerminationDrainDuration = drain },
    };

    /// <summary>Publishes a service with an HTTP and a TCP port and one endpoint behind each.</summary>
    public static void Publish(TestControlPlane control, IPEndPoint http, IPEndPoint tcp) => control.Publish(
        (HttpCluster, EdsCluster(HttpCluster)),
        (TcpCluster, EdsCluster(TcpCluster)),
        (HttpCluster, Endpoints(HttpCluster, http.ToString())),
        (TcpCluster, Endpoints(TcpCluster, tcp.ToString())),
        ("main_internal", MainInternal(
            IstiodShapes.Address("10.96.0.1/32", (80, To("http")), (9090, To("tcp"))),
            HttpChain("http", Route("default", HttpCluster)),
            TcpChain("tcp", TcpCluster))));

    public async Task<Socket> ConnectAsync(IPEndPoint destination)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(Address);
        await socket.SendAsync(Front.Header(socket, destination));
        return socket;
    }

    public Task StopAsync() => _host.StopAsync();

    public Task WaitForShutdownAsync() => _host.WaitForShutdownAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
