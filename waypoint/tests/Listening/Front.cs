using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.Proxy.Drain;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Listening.Handoff;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tcp;
using Waypoint.Proxy.Tests.Tcp;

namespace Waypoint.Proxy.Tests.Listening;

/// <summary>The waypoint's front as it runs, on loopback: the listening plane and Kestrel, with an application that says what it got.</summary>
internal sealed class Front : IAsyncDisposable
{
    /// <summary>A service address: nothing listens there, it only names a destination.</summary>
    public static readonly IPEndPoint HttpService = new(IPAddress.Parse("10.96.0.1"), 80);
    public static readonly IPEndPoint TcpService = new(IPAddress.Parse("10.96.0.2"), 3306);
    public static readonly IPEndPoint UndeclaredService = new(IPAddress.Parse("10.96.0.3"), 9999);

    private readonly HttpServer _http;

    private Front(ListeningSettings settings, TcpSettings tcp, UpstreamTunnels? tunnels)
    {
        var loggers = LoggerFactory.Create(logging => logging.AddProvider(Log));
        Handoff = new HttpHandoff(Metrics, loggers);
        Plane = new ListeningPlane(
            settings,
            tcp,
            Mesh,
            Handoff,
            Connections,
            new Rejections(Metrics, loggers.CreateLogger<Rejections>()),
            Metrics,
            loggers.CreateLogger<ListeningPlane>(),
            tunnels);
        _http = new HttpServer(Handoff, Application, Drain, Metrics, NullLoggerFactory.Instance);
    }

    public MeshState Mesh { get; } = new();

    public ListeningMetrics Metrics { get; } = new();

    public RecordedConnections Connections { get; } = new();

    public DrainState Drain { get; } = new();

    public RecordedLog Log { get; } = new();

    public EchoApplication Application { get; } = new();

    public HttpHandoff Handoff { get; }

    public ListeningPlane Plane { get; }

    public static async Task<Front> StartAsync(ListeningSettings? settings = null, TcpSettings? tcp = null, UpstreamTunnels? tunnels = null)
    {
        var front = new Front(
            (settings ?? Settings) with { Address = settings?.Address is { Port: not 15088 } address ? address : new IPEndPoint(IPAddress.Loopback, 0) },
            tcp ?? TcpSettings.Default,
            tunnels);
        await front._http.StartAsync(CancellationToken.None);
        front.Plane.Start();
        return front;
    }

    /// <summary>Long enough not to matter in tests that do not mean them.</summary>
    public static ListeningSettings Settings { get; } = new() { Loops = 2 };

    /// <summary>Serves HTTP at <see cref="HttpService"/>, and bytes for <paramref name="backends"/> at the other two.</summary>
    public Front Serve(params IPEndPoint[] backends) => Serve(Cluster("backends", backends));

    public Front Serve(Cluster backends)
    {
        var http = new HttpChain { Name = "http", Routes = RouteTable.Empty };
        var tcp = new TcpChain("tcp", To(backends));
        Mesh.Publish(new MeshSnapshot(new Dictionary<IPEndPoint, Destination>
        {
            [HttpService] = new(http, null),
            [TcpService] = new(null, tcp),
            [UndeclaredService] = new(http, tcp),
        }));
        return this;
    }

    public static Cluster Cluster(string name, params IPEndPoint[] addresses) => new()
    {
        Name = name,
        Endpoints = [.. addresses.Select(a => new Proxy.LoadBalancing.Endpoint { Address = a, State = new EndpointState() })],
        ConnectTimeout = TimeSpan.FromSeconds(2),
    };

    public static WeightedClusters To(Cluster cluster) =>
        new([new WeightedCluster(new ClusterSlot(cluster.Name) { Current = cluster }, 1, HeaderMutations.None, HeaderMutations.None)]);

    /// <summary>Connects and says where to, by a PROXY header of version 1.</summary>
    public async Task<Socket> ConnectAsync(IPEndPoint destination)
    {
        var socket = await ConnectAsync();
        await socket.SendAsync(Header(socket, destination));
        return socket;
    }

    public async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(Plane.LocalEndPoint);
        return socket;
    }

    public static byte[] Header(Socket client, IPEndPoint destination)
    {
        var local = (IPEndPoint)client.LocalEndPoint!;
        return Encoding.ASCII.GetBytes($"PROXY TCP4 {local.Address.MapToIPv4()} {destination.Address} {local.Port} {destination.Port}\r\n");
    }

    public async ValueTask DisposeAsync()
    {
        Plane.Dispose();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _http.StopAsync(patience.Token);
        _http.Dispose();
        Metrics.Dispose();
    }

    public Task StopHttpAsync() => _http.StopAsync(CancellationToken.None);

    /// <summary>Answers each request with what is known of its connection.</summary>
    internal sealed class EchoApplication : IHttpApplication<DefaultHttpContext>
    {
        /// <summary>Runs before the answer.</summary>
        public Func<HttpContext, Task> Before { get; set; } = static _ => Task.CompletedTask;

        public DefaultHttpContext CreateContext(IFeatureCollection contextFeatures) => new(contextFeatures);

        public async Task ProcessRequestAsync(DefaultHttpContext context)
        {
            await Before(context);
            var destination = context.Features.GetRequiredFeature<IConnectionDestination>();
            var answer = $"{context.Request.Protocol} {context.Request.Path} to {destination.Original} from {destination.Client.Address}"
                + $" as {destination.ClientPrincipal ?? "-"} chain {destination.CurrentChain()?.Name ?? "-"}";
            context.Response.ContentLength = answer.Length;
            await context.Response.WriteAsync(answer);
        }

        public void DisposeContext(DefaultHttpContext context, Exception? exception)
        {
        }
    }
}
