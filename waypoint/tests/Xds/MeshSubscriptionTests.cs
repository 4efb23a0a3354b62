using System.Diagnostics;
using System.Net;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tests.Routing;
using Waypoint.Proxy.Xds;
using Waypoint.Xds.Delta.Client;
using Waypoint.Xds.Delta.Server;
using Waypoint.Xds.Grpc;
using static Waypoint.Proxy.Tests.Xds.IstiodShapes;
using ControlPlane = Waypoint.Proxy.Xds.ControlPlane;

namespace Waypoint.Proxy.Tests.Xds;

/// <summary>A waypoint's subscription against a real server of delta ADS on loopback.</summary>
public sealed class MeshSubscriptionTests : IResourceViews, IAsyncLifetime
{
    private const string Cluster = "inbound-vip|80|http|echo.shop.svc.cluster.local";
    private static readonly IPEndPoint Service = IPEndPoint.Parse("10.96.0.1:80");
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private static readonly PodEnvironment Pod = new()
    {
        PodName = "waypoint-1",
        Namespace = "shop",
        InstanceIp = "10.244.0.5",
        DnsDomain = "shop.svc.cluster.local",
        Labels = new Dictionary<string, string> { ["gateway.networking.k8s.io/gateway-name"] = "waypoint" },
    };

    private readonly ResourceStore _store = new();
    private readonly MeshState _mesh = new();
    private readonly TestResolver _names = new();
    private readonly MeshModel _model;
    private GrpcServer _server = null!;
    private MeshSubscription _subscription = null!;
    private volatile Node? _node;

    public MeshSubscriptionTests() => _model = new MeshModel(_mesh, new EndpointStates(HealthClock.System), Catalogue.Whole, _names);

    public async Task InitializeAsync()
    {
        await ServeAsync(new IPEndPoint(IPAddress.Loopback, 0));
        var options = ControlPlane.For(Pod with { ProxyConfig = new ProxyConfig { DiscoveryAddress = "127.0.0.1:15010" } });
        _subscription = new MeshSubscription(_model, options with { Address = new Uri($"http://{_server.EndPoint}") }, NullLoggerFactory.Instance);
    }

    public async Task DisposeAsync()
    {
        await _subscription.StopAsync(CancellationToken.None);
        _subscription.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task What_is_published_is_what_connections_meet_and_an_edit_follows()
    {
        Assert.False(_subscription.IsConfigured);
        await StartAsync();
        Assert.Equal("default", Route());
        Assert.Equal("10.0.0.1:8080", Assert.Single(Assert.Single(_model.Clusters).Endpoints).Address.ToString());

        Publish(MainListener("edited"));
        await HoldsAsync(() => Route() == "edited", "the edit is in force");
        Publish(Endpoints(Cluster, "10.0.0.1:8080", "10.0.0.2:8080"));
        await HoldsAsync(() => _model.Clusters[0].Endpoints.Count == 2, "the new endpoint is there");
    }

    [Fact]
    public async Task It_says_who_it_is_as_istiod_expects()
    {
        await StartAsync();
        Assert.Equal("waypoint~10.244.0.5~waypoint-1.shop~shop.svc.cluster.local", _node!.Id);
        var fields = _node.Metadata.Fields;
        Assert.Equal("shop", fields["NAMESPACE"].StringValue);
        Assert.Equal("10.244.0.5", fields["INSTANCE_IPS"].StringValue);
        Assert.Equal("waypoint", fields["LABELS"].StructValue.Fields["gateway.networking.k8s.io/gateway-name"].StringValue);
    }

    [Fact]
    public async Task What_cannot_be_used_is_refused_with_the_reason_and_the_last_good_stays()
    {
        await StartAsync();

        Publish(MainInternal(Address("10.96.0.1/32", (80, To("missing")))));
        SubscriptionStatus Listeners() => _subscription.Status.Types.Single(t => t.TypeUrl == ResourceTypes.Listener);
        await HoldsAsync(() => Listeners().Rejected == 1, "the listener is refused");
        Assert.Equal(
            "main_internal: filter_chain_matcher: port '80': action: there is no filter chain 'missing'",
            Listeners().LastRejection);
        Assert.Equal("default", Route());

        Publish(MainListener("good again"));
        await HoldsAsync(() => Route() == "good again", "a good listener is taken");
    }

    [Fact]
    public async Task A_plugin_that_a_chain_names_is_asked_for()
    {
        await StartAsync();
        Publish(new TypedExtensionConfig
        {
            Name = "shop.asked",
            TypedConfig = Google.Protobuf.WellKnownTypes.Any.Pack(new Envoy.Extensions.Filters.Http.Wasm.V3.Wasm { Config = new() { FailOpen = true } }),
        });
        var manager = Manager(IstiodShapes.Route("with plugin", Cluster));
        manager.HttpFilters.Insert(0, new() { Name = "shop.asked", ConfigDiscovery = new() });
        Publish(MainInternal(Address("10.96.0.1/32", (80, To("h"))), HttpChain("h", manager)));
        await HoldsAsync(() => Route() == "with plugin" && Catalogue.Whole.Extensions.FailsOpen("shop.asked"), "the plugin is known");
    }

    [Fact]
    public async Task When_the_control_plane_goes_all_stays_and_when_it_comes_back_changes_go_on()
    {
        await StartAsync();
        var snapshot = _mesh.Current;

        var address = _server.EndPoint;
        await _server.DisposeAsync();
        await HoldsAsync(() => !_subscription.Status.Connected, "the stream has ended");
        Assert.Same(snapshot, _mesh.Current);

        Publish(MainListener("meanwhile"));
        await ServeAsync(address);
        await HoldsAsync(() => Route() == "meanwhile", "the change has come");
    }

    [Theory]
    [InlineData("istiod.istio-system.svc:15012", "https://istiod.istio-system.svc:15012/", true)]
    [InlineData("10.0.0.1:15010", "http://10.0.0.1:15010/", false)]
    public void Port_15010_is_plain_and_every_other_one_is_tls_with_a_token(string discovery, string address, bool secured)
    {
        var options = ControlPlane.For(Pod with { ProxyConfig = new ProxyConfig { DiscoveryAddress = discovery } });
        Assert.Equal(address, options.Address.ToString());
        Assert.Equal(secured, options.Channel.Tls is not null);
        Assert.Equal(secured, options.Channel.BearerToken is not null);
    }

    [Theory]
    [InlineData("")]
    [InlineData("istiod")]
    [InlineData("istiod:15010/path")]
    [InlineData("http://istiod:15010")]
    public void A_discovery_address_that_is_none_is_an_error_that_names_it(string discovery)
    {
        var error = Assert.Throws<FormatException>(() => ControlPlane.For(Pod with { ProxyConfig = new ProxyConfig { DiscoveryAddress = discovery } }));
        Assert.Equal($"PROXY_CONFIG discoveryAddress: '{discovery}' is not HOST:PORT", error.Message);
    }

    IResourceView IResourceViews.Open(Node node, IPEndPoint peer)
    {
        _node = node;
        return new View(_store);
    }

    private static Envoy.Config.Listener.V3.Listener MainListener(string route) =>
        MainInternal(Address("10.96.0.1/32", (80, To("h"))), HttpChain("h", IstiodShapes.Route(route, Cluster)));

    private static async Task HoldsAsync(Func<bool> condition, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Deadline, $"this did not come to hold: {what}");
            await Task.Delay(2);
        }
    }

    private async Task StartAsync()
    {
        Publish(EdsCluster(Cluster), Endpoints(Cluster, "10.0.0.1:8080"), MainListener("default"));
        await _subscription.StartAsync(CancellationToken.None);
        await HoldsAsync(() => _subscription.IsConfigured, "the waypoint is configured");
    }

    private string? Route() => _mesh.Current.FindDestination(Service)!.Http!.Routes.Find(new Request());

    private void Publish(params IMessage[] resources)
    {
        var batch = new ResourceBatch();
        foreach (var resource in resources)
        {
            var name = resource switch
            {
                Envoy.Config.Listener.V3.Listener listener => listener.Name,
                Envoy.Config.Cluster.V3.Cluster cluster => cluster.Name,
                Envoy.Config.Endpoint.V3.ClusterLoadAssignment assignment => assignment.ClusterName,
                TypedExtensionConfig extension => extension.Name,
                _ => throw new ArgumentException(resource.Descriptor.FullName),
            };
            batch.Set("shop", ServedResource.Create(name, resource));
        }

        _store.Publish(batch);
    }

    private async Task ServeAsync(IPEndPoint address)
    {
        var services = new GrpcServices(NullLogger.Instance);
        new DeltaAdsServer(_store, this, NullLogger<DeltaAdsServer>.Instance).AddTo(services);
        _server = await GrpcServer.StartAsync(address, services, NullLoggerFactory.Instance);
    }

    private sealed class View(ResourceStore store) : IResourceView
    {
        public ResourceCollection Find(string typeUrl) => store.Collection("shop", typeUrl);
    }
}
