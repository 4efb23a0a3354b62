using System.Net;
using Envoy.Config.Endpoint.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.LoadBalancing.Dns;
using Waypoint.Proxy.LoadBalancing.Hashing;
using Waypoint.Proxy.Tls;
using Waypoint.Proxy.Xds.Translation;
using static Waypoint.Proxy.Tests.Xds.IstiodShapes;
using Cluster = Waypoint.Proxy.LoadBalancing.Cluster;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;
using Wire = Envoy.Config.Cluster.V3;

namespace Waypoint.Proxy.Tests.Xds;

public sealed class ClusterTranslationTests
{
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithTypeRegistry(TypeRegistry.FromMessages(
        Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions.Descriptor,
        Envoy.Extensions.TransportSockets.InternalUpstream.V3.InternalUpstreamTransport.Descriptor,
        Envoy.Extensions.TransportSockets.RawBuffer.V3.RawBuffer.Descriptor,
        Envoy.Extensions.TransportSockets.ProxyProtocol.V3.ProxyProtocolUpstreamTransport.Descriptor,
        Envoy.Extensions.TransportSockets.Tls.V3.UpstreamTlsContext.Descriptor)));

    private readonly TranslationScope _scope = new("Cluster 'c'");

    [Theory]
    [InlineData("{}", UpstreamProtocol.Http1)]
    [InlineData("""{"explicitHttpConfig":{"httpProtocolOptions":{}}}""", UpstreamProtocol.Http1)]
    [InlineData("""{"explicitHttpConfig":{"http2ProtocolOptions":{}}}""", UpstreamProtocol.Http2)]
    [InlineData("""{"useDownstreamProtocolConfig":{"http2ProtocolOptions":{},"httpProtocolOptions":{}}}""", UpstreamProtocol.FollowDownstream)]
    internal void The_protocol_towards_endpoints_is_what_the_options_say(string options, UpstreamProtocol protocol)
    {
        var cluster = EdsCluster("c");
        cluster.TypedExtensionProtocolOptions.Add(
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            Any.Pack(JsonParser.Default.Parse<Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions>(options)));
        Assert.Equal(protocol, Translate(cluster).Protocol);
    }

    [Fact]
    public void Everything_that_istiod_makes_of_a_destination_rule_is_kept()
    {
        var cluster = Translate(
            """
            {"name": "c", "type": "EDS", "connectTimeout": "2s", "lbPolicy": "RANDOM",
             "circuitBreakers": {"thresholds": [
               {"priority": "HIGH", "maxConnections": 1},
               {"maxConnections": 100, "maxPendingRequests": 10, "maxRequests": 50, "maxRetries": 4,
                "retryBudget": {"budgetPercent": {"value": 25}, "minRetryConcurrency": 5}}]},
             "commonLbConfig": {"healthyPanicThreshold": {"value": 10}, "localityWeightedLbConfig": {}},
             "outlierDetection": {"consecutive5xx": 3, "enforcingConsecutive5xx": 100, "consecutiveGatewayFailure": 2,
               "enforcingConsecutiveGatewayFailure": 100, "interval": "5s", "baseEjectionTime": "10s", "maxEjectionPercent": 50, "enforcingSuccessRate": 0},
             "metadata": {"filterMetadata": {"istio": {"services": [{"host": "echo.shop.svc.cluster.local", "name": "echo", "namespace": "shop"}]}}},
             "typedExtensionProtocolOptions": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
               "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
               "commonHttpProtocolOptions": {"idleTimeout": "30s", "maxConnectionDuration": "100s", "maxRequestsPerConnection": 1}, "explicitHttpConfig": {"httpProtocolOptions": {}}}}}
            """);
        Assert.Equal(TimeSpan.FromSeconds(2), cluster.ConnectTimeout);
        Assert.Equal(LoadBalancingPolicy.Random, cluster.Balancing.Policy);
        Assert.Equal(
            new CircuitBreakers { MaxConnections = 100, MaxPendingRequests = 10, MaxRequests = 50, MaxRetries = 4, RetryBudget = new RetryBudget(25, 5) },
            cluster.CircuitBreakers);
        Assert.Equal(10, cluster.PanicThreshold);
        Assert.NotNull(cluster.LocalityWeights);
        Assert.Equal(
            new OutlierDetection
            {
                ConsecutiveServerErrors = 3,
                ConsecutiveGatewayFailures = 2,
                Interval = TimeSpan.FromSeconds(5),
                BaseEjectionTime = TimeSpan.FromSeconds(10),
                MaxEjectionPercent = 50,
            },
            cluster.Outliers);
        Assert.Equal(new ServiceIdentity("echo.shop.svc.cluster.local", "echo", "shop"), cluster.Service);
        Assert.Equal(TimeSpan.FromSeconds(30), cluster.IdleTimeout);
        Assert.Equal(TimeSpan.FromSeconds(100), cluster.MaxConnectionDuration);
        Assert.Equal(1u, cluster.MaxRequestsPerConnection);
        Assert.Empty(_scope.UnsupportedFeatures);
    }

    [Fact]
    public void Policies_keep_their_settings()
    {
        var ring = Translate("""{"name": "c", "type": "EDS", "lbPolicy": "RING_HASH", "ringHashLbConfig": {"minimumRingSize": 2048, "maximumRingSize": 4096, "hashFunction": "MURMUR_HASH_2"}}""").Balancing;
        Assert.Equal(LoadBalancingPolicy.RingHash, ring.Policy);
        Assert.Equal(new RingSettings(2048, 4096, IsMurmur: true), ring.Ring);
        var maglev = Translate("""{"name": "c", "type": "EDS", "lbPolicy": "MAGLEV", "maglevLbConfig": {"tableSize": 1009}}""").Balancing;
        Assert.Equal((LoadBalancingPolicy.Maglev, 1009u), (maglev.Policy, maglev.MaglevSize));
        Assert.Equal(65537u, Translate("""{"name": "c", "type": "EDS", "lbPolicy": "MAGLEV"}""").Balancing.MaglevSize);
        var warming = Translate(
            """
            {"name": "c", "type": "EDS", "lbPolicy": "LEAST_REQUEST", "leastRequestLbConfig": {"choiceCount": 5, "slowStartConfig":
              {"slowStartWindow": "30s", "aggression": {"defaultValue": 2, "runtimeKey": "x"}, "minWeightPercent": {"value": 20}}}}
            """).Balancing;
        Assert.Equal((5, new SlowStart(TimeSpan.FromSeconds(30), 2, 20)), (warming.Choices, warming.SlowStart));
        Assert.Equal(
            new SlowStart(TimeSpan.FromSeconds(30)),
            Translate("""{"name": "c", "type": "EDS", "roundRobinLbConfig": {"slowStartConfig": {"slowStartWindow": "30s"}}}""").Balancing.SlowStart);
        Assert.Empty(_scope.UnsupportedFeatures);
    }

    [Fact]
    public void Where_nothing_is_said_envoys_defaults_hold_and_connecting_is_watched()
    {
        var cluster = Translate("""{"name": "c", "type": "EDS"}""");
        Assert.Equal(LoadBalancingPolicy.RoundRobin, cluster.Balancing.Policy);
        Assert.Equal(UpstreamProtocol.Http1, cluster.Protocol);
        Assert.Equal(TimeSpan.FromSeconds(5), cluster.ConnectTimeout);
        Assert.Equal(new CircuitBreakers { MaxConnections = 1024, MaxPendingRequests = 1024, MaxRequests = 1024, MaxRetries = 3 }, cluster.CircuitBreakers);
        Assert.Equal(50, cluster.PanicThreshold);
        Assert.Null(cluster.LocalityWeights);
        Assert.Same(OutlierDetection.Default, cluster.Outliers);
        Assert.Null(cluster.Service);
    }

    [Fact]
    public void A_panic_threshold_of_nothing_is_nothing() =>
        Assert.Equal(0, Translate("""{"name": "c", "type": "EDS", "commonLbConfig": {"healthyPanicThreshold": {}}}""").PanicThreshold);

    [Theory]
    [InlineData("raw_buffer.v3.RawBuffer\"", null)]
    [InlineData("tls.v3.UpstreamTlsContext\"", null)]
    [InlineData("tls.v3.UpstreamTlsContext\", \"autoHostSni\": true", "auto_host_sni: not supported")]
    [InlineData("proxy_protocol.v3.ProxyProtocolUpstreamTransport\"", "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport: not supported")]
    public void Tls_that_cannot_be_spoken_leaves_a_cluster_without_a_usable_endpoint_instead_of_speaking_plainly(string socket, string? unusable)
    {
        var cluster = Translate(
            """
            {"name": "c", "type": "EDS", "transportSocket": {"name": "internal_upstream", "typedConfig": {
               "@type": "type.googleapis.com/envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
               "transportSocket": {"name": "inner", "typedConfig": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.SOCKET}}}}}
            """.Replace("SOCKET", socket, StringComparison.Ordinal));
        Assert.Equal(unusable, cluster.Unusable);
        Assert.Equal(unusable is null, cluster.Pick(new PickContext()) is not null);
        Assert.Equal(unusable is null ? 0 : 1, _scope.UnsupportedFeatures.Count);
    }

    [Fact]
    public void Endpoints_by_name_keep_how_their_names_are_resolved()
    {
        var named = Template(
            """
            {"name": "c", "type": "STRICT_DNS", "dnsLookupFamily": "V4_ONLY", "dnsRefreshRate": "60s", "dnsJitter": "0.1s", "respectDnsTtl": true,
             "dnsFailureRefreshRate": {"baseInterval": "1s", "maxInterval": "9s"}, "loadAssignment": {"endpoints": [
               {"priority": 1, "locality": {"region": "r"}, "lbEndpoints": [
                 {"endpoint": {"address": {"socketAddress": {"address": "a.example", "portValue": 80}}}, "loadBalancingWeight": 3},
                 {"endpoint": {"address": {"socketAddress": {"address": "192.0.2.9", "portValue": 81}}}}]},
               {"lbEndpoints": [{"endpoint": {"address": {"socketAddress": {"address": "A.example", "portValue": 82}}}}]}]}}
            """).Named!;
        Assert.Equal(
            new DnsSettings(DnsFamily.V4Only, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(0.1), OnlyFirst: false),
            named.Settings);
        Assert.Equal(["a.example"], named.Hosts);
        var addresses = System.Collections.Immutable.ImmutableDictionary.Create<string, System.Collections.Immutable.ImmutableArray<IPAddress>>(StringComparer.OrdinalIgnoreCase)
            .Add("a.example", [IPAddress.Parse("192.0.2.1"), IPAddress.Parse("192.0.2.2")]);
        var endpoints = Endpoints(named.With(addresses)).Endpoints;
        Assert.Equal(["192.0.2.1:80", "192.0.2.2:80", "192.0.2.9:81", "192.0.2.1:82", "192.0.2.2:82"], endpoints.Select(e => e.Address.ToString()));
        Assert.Equal([3u, 3u, 1u, 1u, 1u], endpoints.Select(e => e.Weight));
        Assert.Equal([1, 1, 1, 0, 0], endpoints.Select(e => e.Priority));
        Assert.Equal(["a.example", "a.example", "", "A.example", "A.example"], endpoints.Select(e => e.Hostname));
        Assert.Empty(_scope.UnsupportedFeatures);
    }

    [Fact]
    public void A_kind_of_cluster_that_is_not_known_is_reported_and_not_used()
    {
        var cluster = Translate("""{"name": "c", "clusterType": {"name": "envoy.clusters.dynamic_forward_proxy"}}""");
        Assert.Equal("cluster_type envoy.clusters.dynamic_forward_proxy: not supported", cluster.Unusable);
        Assert.Equal("cluster_type envoy.clusters.dynamic_forward_proxy", Assert.Single(_scope.UnsupportedFeatures).Feature);
    }

    [Theory]
    [InlineData("""{"name": "c", "type": "STRICT_DNS", "dnsRefreshRate": "0s"}""", "dns_refresh_rate: less than a millisecond")]
    [InlineData("""{"name": "c", "type": "EDS", "connectTimeout": "-1s"}""", "connect_timeout: a duration of -1 s and 0 ns is not valid")]
    [InlineData("""{"name": "c", "type": "EDS", "maglevLbConfig": {"tableSize": 1024}}""", "maglev_lb_config.table_size: 1024 is not a prime number up to 5000011")]
    [InlineData("""{"name": "c", "type": "EDS", "ringHashLbConfig": {"minimumRingSize": 10, "maximumRingSize": 5}}""", "ring_hash_lb_config: sizes from 10 to 5 are no range within 1 to 8388608")]
    [InlineData("""{"name": "c", "type": "EDS", "outlierDetection": {"interval": "-1s"}}""", "outlier_detection: interval: a duration of -1 s and 0 ns is not valid")]
    [InlineData("""{"name": "c", "type": "STATIC", "loadAssignment": {"endpoints": [{"lbEndpoints": [{}]}]}}""", "endpoint.address: neither a socket address nor an internal one")]
    public void A_cluster_that_cannot_be_used_is_refused_with_the_reason(string json, string reason) =>
        Assert.EndsWith(reason, Assert.Throws<ResourceException>(() => Translate(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void Endpoints_keep_address_weight_priority_locality_and_health()
    {
        var assignment = Endpoints(
            """
            {"clusterName": "c", "policy": {"overprovisioningFactor": 200}, "endpoints": [
              {"locality": {"region": "r", "zone": "z", "subZone": "s"}, "loadBalancingWeight": 3, "priority": 1, "lbEndpoints": [
                {"endpoint": {"address": {"socketAddress": {"address": "192.0.2.10", "portValue": 80}}}, "loadBalancingWeight": 3, "healthStatus": "DRAINING"}]},
              {"locality": {}, "loadBalancingWeight": 1, "lbEndpoints": [
                {"endpoint": {"address": {"socketAddress": {"address": "fd00::1", "portValue": 81}}}},
                {"endpoint": {"address": {"envoyInternalAddress": {"serverListenerName": "connect_originate", "endpointId": "[fd00::2]:82"}}}},
                {"endpoint": {"address": {"socketAddress": {"address": "::ffff:192.0.2.11", "portValue": 83}}}, "healthStatus": "UNHEALTHY"}]}]}
            """);
        Assert.Equal(["192.0.2.10:80", "[fd00::1]:81", "[fd00::2]:82", "192.0.2.11:83"], assignment.Endpoints.Select(e => e.Address.ToString()));
        Assert.Equal([3u, 1u, 1u, 1u], assignment.Endpoints.Select(e => e.Weight));
        Assert.Equal([1, 0, 0, 0], assignment.Endpoints.Select(e => e.Priority));
        Assert.Equal([false, true, true, false], assignment.Endpoints.Select(e => e.IsHealthy));
        Assert.Equal([false, false, true, false], assignment.Endpoints.Select(e => e.WantsTunnel));
        Assert.Equal(new Locality("r", "z", "s"), assignment.Endpoints[0].Locality);
        Assert.Equal(200, assignment.OverprovisioningFactor);
        Assert.Equal(3u, assignment.LocalityWeights[(1, new Locality("r", "z", "s"))]);
        Assert.Empty(_scope.UnsupportedFeatures);
        Assert.Equal("http://[fd00::1]:81", assignment.Endpoints[1].Origin);
        Assert.Equal("http://tfd000000000000000000000000000002:82", assignment.Endpoints[2].Origin);
        Assert.Equal((assignment.Endpoints[2].Address.Address, true), AddressLabel.Read("tfd000000000000000000000000000002"));
    }

    [Fact]
    public void An_endpoint_behind_a_tunnel_in_a_tunnel_is_named_and_not_used()
    {
        var assignment = Endpoints(
            """
            {"clusterName": "c", "endpoints": [{"locality": {}, "lbEndpoints": [
              {"endpoint": {"address": {"envoyInternalAddress": {"serverListenerName": "inner_connect_originate", "endpointId": "10.1.2.3:80"}}}}]}]}
            """);
        Assert.Empty(assignment.Endpoints);
        Assert.Contains("inner_connect_originate", Assert.Single(_scope.UnsupportedFeatures).Feature, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"socketAddress": {"address": "echo.example", "portValue": 80}}""", "'echo.example' port 80 is not an IP address and port")]
    [InlineData("""{"socketAddress": {"address": "10.0.0.1"}}""", "'10.0.0.1' port 0 is not an IP address and port")]
    [InlineData("""{"socketAddress": {"address": "10.0.0.1", "portValue": 70000}}""", "'10.0.0.1' port 70000 is not an IP address and port")]
    [InlineData("""{"envoyInternalAddress": {"serverListenerName": "connect_originate", "endpointId": "10.0.0.1"}}""", "'10.0.0.1' is not an IP address and port")]
    [InlineData("""{"pipe": {"path": "/x"}}""", "neither a socket address nor an internal one")]
    public void An_endpoint_without_an_address_to_dial_is_refused(string address, string reason)
    {
        var json = $$$"""{"clusterName": "c", "endpoints": [{"lbEndpoints": [{"endpoint": {"address": {{{address}}} }}]}]}""";
        Assert.EndsWith(reason, Assert.Throws<ResourceException>(() => Endpoints(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_istiod_says_by_matches_is_plain_for_all_but_sidecars_which_are_left_out()
    {
        var cluster = Template(
            """
            {"name": "c", "type": "EDS", "transportSocketMatches": [
              {"name": "hbone", "match": {"tunnel": "http"}, "transportSocket": {"name": "internal_upstream", "typedConfig": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
                "transportSocket": {"name": "raw", "typedConfig": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"}}}}},
              {"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transportSocket": {"name": "tls", "typedConfig": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}}},
              {"name": "tlsMode-disabled", "match": {}, "transportSocket": {"name": "raw", "typedConfig": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"}}}]}
            """).With(Endpoints(
            """
            {"clusterName": "c", "endpoints": [{"lbEndpoints": [
              {"endpoint": {"address": {"socketAddress": {"address": "10.0.0.1", "portValue": 80}}}},
              {"endpoint": {"address": {"socketAddress": {"address": "10.0.0.2", "portValue": 80}}},
               "metadata": {"filterMetadata": {"envoy.transport_socket_match": {"tlsMode": "istio"}}}}]}]}
            """));
        Assert.Null(cluster.Unusable);
        Assert.Null(cluster.Tls);
        Assert.Equal("10.0.0.1:80", Assert.Single(cluster.Endpoints).Address.ToString());
        Assert.True(cluster.LeavesSidecarsOut);
    }

    [Theory]
    [InlineData("""{"name": "other", "match": {"something": "else"}}""")]
    [InlineData("""{"name": "hbone", "match": {"tunnel": "http"}, "transportSocket": {"name": "tls", "typedConfig": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}}}""")]
    public void A_match_that_is_not_understood_leaves_a_cluster_without_a_usable_endpoint(string match) =>
        Assert.Equal(
            "transport_socket_matches: not supported",
            Translate("""{"name": "c", "type": "EDS", "transportSocketMatches": [MATCH, {"name": "all", "match": {}}]}""".Replace("MATCH", match, StringComparison.Ordinal)).Unusable);

    [Fact]
    public void A_weight_of_zero_is_refused()
    {
        var assignment = IstiodShapes.Endpoints("c", "10.0.0.1:80");
        assignment.Endpoints[0].LbEndpoints[0].LoadBalancingWeight = 0;
        Assert.EndsWith(
            "load_balancing_weight: of 10.0.0.1:80 is 0; at least 1 is needed",
            Assert.Throws<ResourceException>(() => Endpoints(assignment)).Message,
            StringComparison.Ordinal);
    }

    private Cluster Translate(string json) => Translate(Parser.Parse<Wire.Cluster>(json));

    private ClusterTemplate Template(string json) => Template(Parser.Parse<Wire.Cluster>(json));

    private ClusterTemplate Template(Wire.Cluster cluster)
    {
        var states = new EndpointStates(HealthClock.System);
        return new ClusterTranslator(new EndpointTranslator(states), new SecretStore(), states.Clock).Translate(cluster, _scope)!;
    }

    private Cluster Translate(Wire.Cluster cluster)
    {
        var template = Template(cluster);
        var endpoint = new Endpoint { Address = IPEndPoint.Parse("10.0.0.1:80"), State = new EndpointState() };
        return template.With(template.Inline ?? EndpointAssignment.Empty with { Endpoints = [endpoint] });
    }

    private EndpointAssignment Endpoints(string json) => Endpoints(JsonParser.Default.Parse<ClusterLoadAssignment>(json));

    private EndpointAssignment Endpoints(ClusterLoadAssignment assignment) =>
        new EndpointTranslator(new EndpointStates(HealthClock.System)).Translate(assignment, _scope);
}
