using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Resilience;
using Waypoint.Proxy.Routing;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>The request pipeline on real Kestrel listeners on loopback, one for HTTP/1.1 and one for HTTP/2 with prior knowledge.</summary>
internal sealed class ProxyUnderTest : IAsyncDisposable
{
    private readonly KestrelServer _server;
    private readonly ServiceProvider _services;
    private HttpChain _chain;

    private ProxyUnderTest(HttpChain chain, Action<IServiceCollection>? configure)
    {
        _chain = chain;
        var services = new ServiceCollection();
        services.AddSingleton<MeshState>();
        services.AddLogging();
        services.AddForwarding();
        configure?.Invoke(services);
        _services = services.BuildServiceProvider();

        var options = new KestrelServerOptions { ApplicationServices = _services };
        KestrelSettings.Apply(options);
        Listen(options, HttpProtocols.Http1);
        Listen(options, HttpProtocols.Http2);
        _server = new KestrelServer(
            Options.Create(options),
            new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance),
            NullLoggerFactory.Instance);
    }

    public IPEndPoint Http1 { get; private set; } = null!;

    public IPEndPoint Http2 { get; private set; } = null!;

    public IServiceProvider Services => _services;

    public MeshState Mesh => _services.GetRequiredService<MeshState>();

    /// <summary>Where the client is said to have wanted to go.</summary>
    public IPEndPoint Original { get; set; } = new(IPAddress.Parse("10.96.0.1"), 80);

    public HttpChain Chain
    {
        get => Volatile.Read(ref _chain);
        set => Volatile.Write(ref _chain, value);
    }

    /// <summary>A proxy with these routes for every authority.</summary>
    public static Task<ProxyUnderTest> StartAsync(params Route[] routes) => StartAsync(ChainOf(routes));

    public static async Task<ProxyUnderTest> StartAsync(HttpChain chain, Action<IServiceCollection>? configure = null)
    {
        var proxy = new ProxyUnderTest(chain, configure);
        await proxy._server.StartAsync(proxy._services.GetRequiredService<ProxyApplication>(), CancellationToken.None);
        var addresses = proxy._server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Select(a => new Uri(a).Port).ToArray();
        proxy.Http1 = new IPEndPoint(IPAddress.Loopback, addresses[0]);
        proxy.Http2 = new IPEndPoint(IPAddress.Loopback, addresses[1]);
        return proxy;
    }

    public static HttpChain ChainOf(params Route[] routes) => new()
    {
        Name = "inbound-vip|80|http|echo.shop.svc.cluster.local",
        Routes = new RouteTable(routes),
        ServerName = "istio-envoy",
        PathForm = PathForm.Normal,
        Upgrades = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "websocket" },
    };

    public static Route RouteTo(RouteAction action, PathMatch? path = null) =>
        new("test", new RouteMatch { Path = path ?? PathMatch.Any }, action, HeaderMutations.None, HeaderMutations.None);

    public static ForwardAction Forward(params IPEndPoint[] endpoints) => Forward(UpstreamProtocol.Http1, endpoints);

    public static ForwardAction Forward(UpstreamProtocol protocol, params IPEndPoint[] endpoints) =>
        Forward(ClusterOf(protocol, endpoints));

    public static ForwardAction Forward(Cluster cluster) => new(new WeightedClusters([Share(cluster)]));

    public static WeightedCluster Share(Cluster cluster, uint weight = 1) => new(SlotOf(cluster), weight, HeaderMutations.None, HeaderMutations.None);

    public static ClusterSlot SlotOf(Cluster cluster) => new(cluster.Name) { Current = cluster };

    public static Cluster ClusterOf(UpstreamProtocol protocol, params IPEndPoint[] endpoints) => new()
    {
        Name = "inbound-vip|80|http|echo.shop.svc.cluster.local",
        Endpoints = [.. endpoints.Select(e => new Endpoint { Address = e, State = new EndpointState() })],
        Balancing = new Balancing { Policy = LoadBalancingPolicy.RoundRobin },
        Protocol = protocol,
        CircuitBreakers = new CircuitBreakers { MaxRequests = uint.MaxValue, MaxRetries = uint.MaxValue, RetryBudget = new RetryBudget(20, 3) },
        Service = new ServiceIdentity("echo.shop.svc.cluster.local", "echo", "shop"),
        Outliers = OutlierDetection.Default with { ConsecutiveConnectFailures = 0 },
    };

    /// <summary>What istiod programs unless told otherwise.</summary>
    public static RetryPolicy DefaultRetries { get; } = new()
    {
        On = RetryOn.ConnectFailure | RetryOn.RefusedStream | RetryOn.GrpcUnavailable | RetryOn.GrpcCancelled | RetryOn.RetriableStatusCodes,
        Retries = 2,
        AvoidPreviousHosts = true,
        HostSelectionAttempts = 5,
    };

    /// <summary>An address on which nothing listens.</summary>
    public static IPEndPoint Refusing()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _server.StopAsync(limit.Token);
        _server.Dispose();
        await _services.DisposeAsync();
    }

    private void Listen(KestrelServerOptions options, HttpProtocols protocols) => options.Listen(IPAddress.Loopback, 0, listen =>
    {
        listen.Protocols = protocols;
        listen.Use(next => connection =>
        {
            connection.Features.Set<IConnectionDestination>(new FixedDestination(this, (IPEndPoint)connection.RemoteEndPoint!));
            return next(connection);
        });
    });

    private sealed class FixedDestination(ProxyUnderTest proxy, IPEndPoint client) : IConnectionDestination
    {
        public IPEndPoint Original => proxy.Original;

        public IPEndPoint Client => client;

        public HttpChain? CurrentChain() => proxy.Chain;
    }
}
