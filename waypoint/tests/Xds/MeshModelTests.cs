using System.Net;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Tests.Filters;
using Waypoint.Proxy.Tests.Routing;
using Waypoint.Proxy.Xds;
using Waypoint.Xds.Delta.Client;
using static Waypoint.Proxy.Tests.Xds.IstiodShapes;

namespace Waypoint.Proxy.Tests.Xds;

public sealed class MeshModelTests
{
    private const string Cluster = "inbound-vip|80|http|echo.shop.svc.cluster.local";
    private const string Other = "inbound-vip|80|http|other.shop.svc.cluster.local";
    private static readonly IPEndPoint Service = IPEndPoint.Parse("10.96.0.1:80");

    private readonly ManualTime _time = new();
    private readonly MeshState _mesh = new();
    private readonly TestResolver _names = new();
    private readonly MeshModel _model;

    public MeshModelTests() => _model = new MeshModel(_mesh, new EndpointStates(new HealthClock(_time)), Catalogue.Whole, _names);

    [Fact]
    public async Task Routes_to_endpoints_by_name_wait_for_the_first_addresses_and_a_cluster_sent_anew_keeps_them()
    {
        _names.Silence();
        var cluster = EdsCluster("c");
        cluster.EdsClusterConfig = null;
        cluster.Type = Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.StrictDns;
        cluster.LoadAssignment = Endpoints("c", "api.example:8080");
        cluster.LoadAssignment.Endpoints[0].LbEndpoints[0].Endpoint.Address.SocketAddress.Address = "api.example";
        Assert.Empty(_model.Send(cluster));
        Assert.Empty(_model.Send(MainInternal(Address("10.96.0.1/32", (80, To("http"))), HttpChain("http", Route("r", "c")))));
        Assert.True(_model.IsWaiting);

        _names.Answer("api.example", "192.0.2.1", "192.0.2.2");
        await Forwarding.Eventually.HoldsAsync(() => !_model.IsWaiting);
        Assert.Equal(["192.0.2.1:8080", "192.0.2.2:8080"], Addresses());

        _names.Silence();
        cluster.ConnectTimeout = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(TimeSpan.FromSeconds(3));
        Assert.Empty(_model.Send(cluster));
        Assert.Equal(["192.0.2.1:8080", "192.0.2.2:8080"], Addresses());

        string[] Addresses() => [.. _model.Clusters.Single().Endpoints.Select(e => e.Address.ToString()).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void Secrets_are_asked_for_by_the_names_that_clusters_use_and_never_shown()
    {
        var cluster = EdsCluster("c");
        cluster.TransportSocket = new Envoy.Config.Core.V3.TransportSocket
        {
            TypedConfig = Google.Protobuf.WellKnownTypes.Any.Pack(Google.Protobuf.JsonParser.Default.Parse<Envoy.Extensions.TransportSockets.Tls.V3.UpstreamTlsContext>(
                """{"commonTlsContext": {"validationContextSdsSecretConfig": {"name": "kubernetes://ca", "sdsConfig": {"ads": {}}}}}""")),
        };
        Assert.Empty(_model.Send(cluster));
        Assert.Equal(["kubernetes://ca"], _model.WantedSecrets);

        var secret = new Envoy.Extensions.TransportSockets.Tls.V3.Secret
        {
            Name = "kubernetes://ca",
            ValidationContext = new() { TrustedCa = new() { InlineString = new Tls.TestCertificates().Root.ExportCertificatePem() } },
        };
        Assert.Empty(_model.Apply(ResourceTypes.Secret, [Resource(secret.Name, secret)], []));
        Assert.Empty(_model.Received(ResourceTypes.Secret));
        secret.ValidationContext.TrustedCa.InlineString = "nonsense";
        var rejection = Assert.Single(_model.Apply(ResourceTypes.Secret, [Resource(secret.Name, secret)], []));
        Assert.Contains("trusted_ca: there is no certificate in it", rejection.ToString(), StringComparison.Ordinal);

        Assert.Empty(_model.Apply(ResourceTypes.Cluster, [], ["c"]));
        Assert.Empty(_model.WantedSecrets);
    }

    [Fact]
    public void A_service_is_there_once_its_cluster_endpoints_and_listener_are()
    {
        Assert.Empty(_model.Send(EdsCluster(Cluster)));
        Assert.Equal([Cluster], _model.WantedEndpoints);
        Assert.Empty(_model.Send(Endpoints(Cluster, "10.0.0.1:8080")));
        Assert.Empty(_model.Send(MainListener(Route("default", Cluster))));

        var destination = _mesh.Current.FindDestination(Service);
        Assert.NotNull(destination?.Http);
        Assert.Null(destination.Tcp);
        Assert.Equal(IPEndPoint.Parse("10.0.0.1:8080"), Endpoint(destination).Address);
        Assert.Null(_mesh.Current.FindDestination(IPEndPoint.Parse("10.96.0.1:81")));
        Assert.Null(_mesh.Current.FindDestination(IPEndPoint.Parse("10.96.0.2:80")));
    }

    [Fact]
    public void A_port_that_declares_no_protocol_has_both_chains()
    {
        _model.Send(MainInternal(
            Address("10.96.0.1/32", (80, ByProtocol("h", "t")), (81, To("t"))),
            HttpChain("h", Route("default", Cluster)),
            TcpChain("t", "tcp")));
        Assert.True(_mesh.Current.FindDestination(Service) is { Http: not null, Tcp: not null });
        var tcp = _mesh.Current.FindDestination(IPEndPoint.Parse("10.96.0.1:81"))!;
        Assert.Null(tcp.Http);
        Assert.Equal("tcp", Assert.Single(tcp.Tcp!.Clusters.Shares).Cluster.Name);
    }

    [Fact]
    public void Workload_addresses_lead_to_the_original_destination_on_every_port()
    {
        var matcher = Address("10.96.0.1/32", (80, To("h")));
        var ranges = matcher.MatcherTree.CustomMatch.TypedConfig.Unpack<global::Xds.Type.Matcher.V3.IPMatcher>();
        ranges.RangeMatchers.Add(new global::Xds.Type.Matcher.V3.IPMatcher.Types.IPRangeMatcher
        {
            Ranges = { new global::Xds.Core.V3.CidrRange { AddressPrefix = "10.244.0.10", PrefixLen = 32 } },
            OnMatch = ByProtocol("direct-http", "direct-tcp"),
        });
        matcher.MatcherTree.CustomMatch.TypedConfig = Google.Protobuf.WellKnownTypes.Any.Pack(ranges);
        var encap = EdsCluster("encap");
        encap.Type = Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.Static;
        encap.EdsClusterConfig = null;
        encap.LoadAssignment = Endpoints("encap", "10.0.0.1:1");
        encap.LoadAssignment.Endpoints[0].LbEndpoints[0].Endpoint.Address =
            new Envoy.Config.Core.V3.Address { EnvoyInternalAddress = new() { ServerListenerName = "connect_originate" } };
        Assert.Empty(_model.Send(encap));
        Assert.Empty(_model.Send(MainInternal(
            matcher, HttpChain("h", Route("r", Cluster)), HttpChain("direct-http", Route("default", "encap")), TcpChain("direct-tcp", "encap"))));

        var original = IPEndPoint.Parse("10.244.0.10:9999");
        var destination = _mesh.Current.FindDestination(original)!;
        Assert.Equal("direct-http", destination.Http!.Name);
        var cluster = Assert.Single(destination.Tcp!.Clusters.Shares).Cluster.Current!;
        Assert.Equal(original, cluster.Pick(new PickContext { OriginalDestination = original })!.Address);
    }

    [Fact]
    public void A_change_of_endpoints_reaches_routes_without_a_new_snapshot_and_keeps_what_is_known_of_them()
    {
        Start();
        var snapshot = _mesh.Current;
        var chain = snapshot.FindDestination(Service)!;
        var first = Endpoint(chain);

        Assert.Empty(_model.Send(Endpoints(Cluster, "10.0.0.1:8080", "10.0.0.2:8080")));
        Assert.Same(snapshot, _mesh.Current);
        Assert.Equal(2, ClusterOf(chain).Endpoints.Count);
        Assert.Same(first.State, ClusterOf(chain).Endpoints[0].State);
    }

    [Fact]
    public void What_says_again_what_is_in_force_changes_nothing()
    {
        Start();
        _model.Send(EdsCluster(Other));
        _model.Send(Endpoints(Other, "10.0.0.2:80"));
        var snapshot = _mesh.Current;
        var cluster = ClusterOf(snapshot.FindDestination(Service)!);

        // As istiod does when one service's endpoint changes, and when anything else does.
        Assert.Empty(_model.Send(Endpoints(Cluster, "10.0.0.1:8080"), Endpoints(Other, "10.0.0.3:80")));
        Assert.Empty(_model.Send(EdsCluster(Cluster), EdsCluster(Other)));
        Assert.Empty(_model.Send(MainListener(Route("default", Cluster))));
        Assert.Same(snapshot, _mesh.Current);
        Assert.Same(cluster, ClusterOf(snapshot.FindDestination(Service)!));
        Assert.Equal(["10.0.0.3:80"], _model.Clusters.Single(c => c.Name == Other).Endpoints.Select(e => e.Address.ToString()));

        // What was in force before a refused version is in force still.
        Assert.Single(_model.Send(Endpoints(Cluster, "nonsense:1")));
        Assert.Empty(_model.Send(Endpoints(Cluster, "10.0.0.1:8080")));
        Assert.Same(cluster, ClusterOf(snapshot.FindDestination(Service)!));
    }

    [Fact]
    public void What_went_and_comes_again_unchanged_is_taken()
    {
        Start();
        _model.Apply(ResourceTypes.Cluster, [], [Cluster]);
        Assert.Empty(_model.Received(ResourceTypes.Endpoints));
        _model.Send(Endpoints(Cluster, "10.0.0.1:8080"));
        Assert.Empty(_model.Received(ResourceTypes.Endpoints));
        _model.Send(EdsCluster(Cluster));
        _model.Send(Endpoints(Cluster, "10.0.0.1:8080"));
        Assert.Single(ClusterOf(_mesh.Current.FindDestination(Service)!).Endpoints);

        _model.Apply(ResourceTypes.Endpoints, [], [Cluster]);
        _model.Send(Endpoints(Cluster, "10.0.0.1:8080"));
        Assert.Single(ClusterOf(_mesh.Current.FindDestination(Service)!).Endpoints);

        var manager = Manager();
        manager.Rds = new() { RouteConfigName = "by-rds" };
        var listener = MainInternal(Address("10.96.0.1/32", (80, To("h"))), HttpChain("h", manager));
        for (var i = 0; i < 2; i++)
        {
            _model.Send(listener);
            _model.Send(Configuration("by-rds", Route("one", Cluster)));
            Assert.Equal("one", Http("10.96.0.1:80").Routes.Find(new Request()));
            _model.Apply(ResourceTypes.Listener, [], [listener.Name]);
            Assert.Empty(_model.Received(ResourceTypes.Routes));
        }
    }

    [Fact]
    public void A_changed_route_rebuilds_only_its_own_chain()
    {
        Assert.Empty(_model.Send(TwoServices("default")));
        var a = Http("10.96.0.1:80");
        var b = Http("10.96.0.2:80");

        Assert.Empty(_model.Send(TwoServices("changed")));
        Assert.NotSame(a, Http("10.96.0.1:80"));
        Assert.Same(b, Http("10.96.0.2:80"));
        Assert.Equal("changed", Http("10.96.0.1:80").Routes.Find(new Request()));
    }

    [Fact]
    public void Of_a_refused_listener_the_last_good_one_stays()
    {
        Start();
        var snapshot = _mesh.Current;
        var errors = _model.Send(MainListener(Route("bad", Cluster, new Envoy.Config.Route.V3.RouteMatch { SafeRegex = new() { Regex = "(" } })));
        var error = Assert.Single(errors);
        Assert.Equal("main_internal", error.Name);
        Assert.StartsWith(
            "filter chain 'h': http_connection_manager: route configuration 'routes': virtual host 'inbound|http|80': route 'bad': match: safe_regex: regular expression '(':",
            error.Reason,
            StringComparison.Ordinal);
        Assert.Same(snapshot, _mesh.Current);
        Assert.Equal("default", Http("10.96.0.1:80").Routes.Find(new Request()));
    }

    [Fact]
    public void A_refused_resource_does_not_stop_the_others_of_its_response()
    {
        Start();
        var bad = Endpoints(Other, "not-an-address:80");
        _model.Send(EdsCluster(Other));
        var error = Assert.Single(_model.Send(bad, Endpoints(Cluster, "10.0.0.9:80")));
        Assert.Equal(new Rejection(Other, "endpoint.address.socket_address: 'not-an-address' port 80 is not an IP address and port"), error);
        Assert.Equal(IPEndPoint.Parse("10.0.0.9:80"), Endpoint(_mesh.Current.FindDestination(Service)!).Address);
    }

    [Fact]
    public void New_routes_wait_for_the_endpoints_of_clusters_that_they_are_the_first_to_use()
    {
        Start();
        _model.Send(EdsCluster(Other));
        Assert.Empty(_model.Send(MainListener(Route("new", Other))));
        Assert.Equal("default", Http("10.96.0.1:80").Routes.Find(new Request()));

        _model.Send(Endpoints(Other, "10.0.0.2:80"));
        Assert.Equal("new", Http("10.96.0.1:80").Routes.Find(new Request()));
    }

    [Fact]
    public void But_not_for_longer_than_Envoy_does_and_only_once()
    {
        Start();
        _model.Send(EdsCluster(Other));
        _model.Send(MainListener(Route("new", Other)));
        _time.Advance(TimeSpan.FromSeconds(14));
        Assert.True(_model.IsWaiting);
        Assert.Equal("default", Http("10.96.0.1:80").Routes.Find(new Request()));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(_model.IsWaiting);
        Assert.Equal("new", Http("10.96.0.1:80").Routes.Find(new Request()));

        _model.Send(MainListener(Route("newer", Other)));
        Assert.Equal("newer", Http("10.96.0.1:80").Routes.Find(new Request()));
    }

    [Fact]
    public void A_cluster_that_was_never_sent_leaves_its_slot_empty_and_one_that_comes_later_fills_it()
    {
        _model.Send(MainListener(Route("default", Cluster)));
        var slot = Slot(_mesh.Current.FindDestination(Service)!);
        Assert.Null(slot.Current);

        _model.Send(EdsCluster(Cluster));
        Assert.Empty(slot.Current!.Endpoints);
        _model.Apply(ResourceTypes.Cluster, [], [Cluster]);
        Assert.Null(slot.Current);
    }

    [Fact]
    public void A_cluster_that_changes_keeps_its_endpoints()
    {
        Start();
        var changed = EdsCluster(Cluster);
        changed.LbPolicy = Envoy.Config.Cluster.V3.Cluster.Types.LbPolicy.Random;
        Assert.Empty(_model.Send(changed));
        var cluster = ClusterOf(_mesh.Current.FindDestination(Service)!);
        Assert.Equal(LoadBalancingPolicy.Random, cluster.Balancing.Policy);
        Assert.Single(cluster.Endpoints);
    }

    [Fact]
    public void Endpoints_that_nobody_asks_for_any_more_are_forgotten()
    {
        Start();
        _model.Apply(ResourceTypes.Cluster, [], [Cluster]);
        Assert.Empty(_model.WantedEndpoints);
        _model.Send(EdsCluster(Cluster));
        Assert.Empty(ClusterOf(_mesh.Current.FindDestination(Service)!).Endpoints);
    }

    // As istiod sends a WasmPlugin: the filter by name, and what it is by ECDS.
    [Theory]
    [InlineData("""{"config":{"failurePolicy":"FAIL_OPEN"}}""", true)]
    [InlineData("""{"config":{"failOpen":true}}""", true)]
    [InlineData("""{"config":{"failurePolicy":"FAIL_CLOSED","failOpen":true}}""", false)]
    [InlineData("""{"config":{}}""", false)]
    public async Task A_plugin_may_be_left_out_only_where_it_fails_open(string plugin, bool passes)
    {
        var manager = Manager(Route("r", Cluster));
        manager.HttpFilters.Insert(0, new() { Name = "shop.plugin", ConfigDiscovery = new() { TypeUrls = { "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm" } } });
        _model.Send(MainInternal(Address("10.96.0.1/32", (80, To("h"))), HttpChain("h", manager)));
        Assert.Equal(["shop.plugin"], _model.WantedExtensions);
        Assert.True(_model.IsWaiting);

        var wasm = Google.Protobuf.JsonParser.Default.Parse<Envoy.Extensions.Filters.Http.Wasm.V3.Wasm>(plugin);
        var extension = new Envoy.Config.Core.V3.TypedExtensionConfig { Name = "shop.plugin", TypedConfig = Google.Protobuf.WellKnownTypes.Any.Pack(wasm) };
        Assert.Empty(_model.Apply(ResourceTypes.Extension, [Resource("shop.plugin", extension)], []));
        Assert.Empty(_model.Received(ResourceTypes.Extension));
        Assert.False(_model.IsWaiting);
        Assert.Equal(passes, await PassesAsync());

        _model.Apply(ResourceTypes.Extension, [], ["shop.plugin"]);
        Assert.False(await PassesAsync());

        Task<bool> PassesAsync() => new FilteredRequest("GET", "/", "echo", _mesh.Current.FindDestination(Service)!.Http!.Filters).PassesAsync();
    }

    [Fact]
    public async Task A_plugin_that_went_and_comes_again_may_be_another()
    {
        var manager = Manager(Route("r", Cluster));
        var plain = MainInternal(Address("10.96.0.1/32", (80, To("h"))), HttpChain("h", manager));
        manager.HttpFilters.Insert(0, new() { Name = "shop.back", ConfigDiscovery = new() });
        var guarded = MainInternal(Address("10.96.0.1/32", (80, To("h"))), HttpChain("h", manager));
        Tell(failsOpen: true);
        Assert.True(await PassesAsync());

        // Requests that began before it went still ask.
        var filters = _mesh.Current.FindDestination(Service)!.Http!.Filters;
        _model.Send(plain);
        Assert.True(await new FilteredRequest("GET", "/", "echo", filters).PassesAsync());

        _model.Send(guarded);
        Assert.True(_model.IsWaiting);
        Tell(failsOpen: false);
        Assert.False(await PassesAsync());

        void Tell(bool failsOpen)
        {
            _model.Send(guarded);
            var wasm = new Envoy.Extensions.Filters.Http.Wasm.V3.Wasm { Config = new() { FailOpen = failsOpen } };
            _model.Apply(ResourceTypes.Extension, [Resource("shop.back", new Envoy.Config.Core.V3.TypedExtensionConfig { Name = "shop.back", TypedConfig = Google.Protobuf.WellKnownTypes.Any.Pack(wasm) })], []);
        }

        Task<bool> PassesAsync() => new FilteredRequest("GET", "/", "echo", _mesh.Current.FindDestination(Service)!.Http!.Filters).PassesAsync();
    }

    [Fact]
    public void What_a_plugin_is_is_waited_for_and_then_it_fails_closed()
    {
        var manager = Manager(Route("r", Cluster));
        manager.HttpFilters.Insert(0, new() { Name = "shop.silent", ConfigDiscovery = new() });
        _model.Send(MainInternal(Address("10.96.0.1/32", (80, To("h"))), HttpChain("h", manager)));
        Assert.Null(_mesh.Current.FindDestination(Service));
        _time.Advance(TimeSpan.FromSeconds(14));
        Assert.Null(_mesh.Current.FindDestination(Service));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(_mesh.Current.FindDestination(Service));
        Assert.False(Catalogue.Whole.Extensions.FailsOpen("shop.silent"));
    }

    [Fact]
    public void Routes_may_come_by_themselves()
    {
        var manager = Manager();
        manager.Rds = new() { RouteConfigName = "by-rds" };
        _model.Send(EdsCluster(Cluster));
        _model.Send(Endpoints(Cluster, "10.0.0.1:80"));
        Assert.Empty(_model.Send(MainInternal(Address("10.96.0.1/32", (80, To("h"))), HttpChain("h", manager))));
        Assert.Equal(["by-rds"], _model.WantedRoutes);
        Assert.Null(_mesh.Current.FindDestination(Service));

        Assert.Empty(_model.Send(Configuration("by-rds", Route("one", Cluster))));
        Assert.Equal("one", Http("10.96.0.1:80").Routes.Find(new Request()));
        Assert.Empty(_model.Send(Configuration("by-rds", Route("two", Cluster))));
        Assert.Equal("two", Http("10.96.0.1:80").Routes.Find(new Request()));
    }

    [Fact]
    public void A_listener_that_goes_takes_its_destinations_with_it_and_another_one_nothing()
    {
        Start();
        _model.Apply(ResourceTypes.Listener, [], ["connect_terminate"]);
        Assert.NotNull(_mesh.Current.FindDestination(Service));
        _model.Apply(ResourceTypes.Listener, [], ["main_internal"]);
        Assert.Null(_mesh.Current.FindDestination(Service));
    }

    [Fact]
    public void Envoys_own_plumbing_is_taken_and_left_alone()
    {
        var terminate = MainInternal(Address("10.96.0.1/32"), TcpChain("t", "x"));
        terminate.Name = "connect_terminate";
        Assert.Empty(_model.Send(terminate));
        Assert.Empty(_model.Send(EdsCluster("main_internal"), EdsCluster("connect_originate")));
        Assert.Empty(_model.WantedEndpoints);
        Assert.Null(_mesh.Current.FindDestination(Service));
    }

    [Fact]
    public void What_was_received_is_kept_for_dumps_but_not_what_was_refused()
    {
        Start();
        _model.Send(Endpoints(Cluster, "nonsense:1"));
        var kept = Assert.Single(_model.Received(ResourceTypes.Endpoints));
        Assert.Equal(Endpoints(Cluster, "10.0.0.1:8080"), kept.Resource_.Unpack<Envoy.Config.Endpoint.V3.ClusterLoadAssignment>());
    }

    [Fact]
    public void Workloads_are_found_by_address_and_go_by_name()
    {
        var workload = new Istio.Workload.Workload
        {
            Uid = "Kubernetes//Pod/shop/echo-1",
            Name = "echo-1",
            Namespace = "shop",
            WorkloadName = "echo",
            Addresses = { Google.Protobuf.ByteString.CopyFrom(10, 0, 0, 1) },
            ApplicationTunnel = new() { Protocol = Istio.Workload.ApplicationTunnel.Types.Protocol.Proxy, Port = 15088 },
        };
        Assert.Empty(_model.Apply(ResourceTypes.Workload, [Resource(workload.Uid, workload)], []));
        var found = _mesh.Workloads.Find(IPAddress.Parse("10.0.0.1"))!;
        Assert.Equal("echo", found.WorkloadName);
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/default", found.Principal);
        Assert.True(found.HasApplicationTunnel);

        _model.Apply(ResourceTypes.Workload, [], [workload.Uid]);
        Assert.Null(_mesh.Workloads.Find(IPAddress.Parse("10.0.0.1")));
    }

    [Fact]
    public void Bytes_of_another_type_are_refused_by_name()
    {
        var error = Assert.Single(_model.Apply(ResourceTypes.Cluster, [Resource("x", Endpoints("x", "10.0.0.1:1"))], []));
        Assert.Equal("x", error.Name);
        Assert.StartsWith("resource: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment' cannot be read as envoy.config.cluster.v3.Cluster", error.Reason, StringComparison.Ordinal);
    }

    private static Envoy.Config.Listener.V3.Listener MainListener(params Envoy.Config.Route.V3.Route[] routes) =>
        MainInternal(Address("10.96.0.1/32", (80, To("h"))), HttpChain("h", routes));

    private static Envoy.Config.Listener.V3.Listener TwoServices(string firstRoute) => MainInternal(
        Addresses(("10.96.0.1/32", [(80, To("a"))]), ("10.96.0.2/32", [(80, To("b"))])),
        HttpChain("a", Route(firstRoute, Cluster)),
        HttpChain("b", Route("default", Other)));

    private static ClusterSlot Slot(Destination destination) =>
        Assert.IsType<ForwardAction>(destination.Http!.Routes.Routes[0].Action).Clusters.Shares[0].Cluster;

    private static Waypoint.Proxy.LoadBalancing.Cluster ClusterOf(Destination destination) => Slot(destination).Current!;

    private static Endpoint Endpoint(Destination destination) => ClusterOf(destination).Pick(new PickContext())!;

    private void Start()
    {
        _model.Send(EdsCluster(Cluster));
        _model.Send(Endpoints(Cluster, "10.0.0.1:8080"));
        _model.Send(MainListener(Route("default", Cluster)));
        Assert.NotNull(_mesh.Current.FindDestination(Service));
    }

    private HttpChain Http(string original) => _mesh.Current.FindDestination(IPEndPoint.Parse(original))!.Http!;
}
