using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Xds;
using Waypoint.Xds.Delta.Client;
using static Waypoint.Proxy.Tests.Xds.IstiodShapes;

namespace Waypoint.Proxy.Tests.Xds;

/// <summary>What a resource with a broken field is answered with: its name, the field and the reason. What was in force stays.</summary>
public sealed class RefusalTests
{
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithTypeRegistry(Waypoint.Xds.Delta.ResourceJson.Types));
    private readonly MeshModel _model = new(new MeshState(), new EndpointStates(new HealthClock(TimeProvider.System)), Catalogue.Whole, new TestResolver());

    [Theory]
    [InlineData("{}", "filter_chain_matcher: matcher_type: a matcher tree is needed")]
    [InlineData("""{"matcherTree":{}}""", "filter_chain_matcher: matcher_tree.input: missing")]
    [InlineData("""{"matcherTree":{"input":{"typedConfig":{"@type":"type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.ServerNameInput"}}}}""", "filter_chain_matcher: on_no_match: no matcher by address")]
    [InlineData("""{"matcherTree":{"input":IP}}""", "filter_chain_matcher: matcher_tree.custom_match: an IPMatcher is needed")]
    [InlineData("""{"matcherTree":{"input":IP,"customMatch":{"typedConfig":{"@type":"type.googleapis.com/xds.type.matcher.v3.IPMatcher","rangeMatchers":[{"ranges":[{"addressPrefix":"10.0.0.1"}]}]}}}}""", "filter_chain_matcher: range_matchers.on_match: missing")]
    [InlineData("""{"matcherTree":{"input":IP,"customMatch":{"typedConfig":{"@type":"type.googleapis.com/xds.type.matcher.v3.IPMatcher","rangeMatchers":[{"ranges":[{"addressPrefix":"here"}],"onMatch":CHAIN}]}}}}""", "filter_chain_matcher: ranges.address_prefix: 'here' is not an IP address")]
    [InlineData("""{"matcherTree":{"input":IP,"customMatch":{"typedConfig":{"@type":"type.googleapis.com/xds.type.matcher.v3.IPMatcher","rangeMatchers":[{"ranges":[{"addressPrefix":"10.0.0.0","prefixLen":33}],"onMatch":CHAIN}]}}}}""", "filter_chain_matcher: ranges.prefix_len: 33 is more than 32")]
    [InlineData("""{"matcherTree":{"input":PORT}}""", "filter_chain_matcher: on_match.matcher: an exact map of destination ports is needed")]
    [InlineData("""{"matcherTree":{"input":PORT,"exactMatchMap":{"map":{"http":CHAIN}}}}""", "filter_chain_matcher: port 'http': exact_match_map: not a port")]
    [InlineData("""{"matcherTree":{"input":PORT,"exactMatchMap":{"map":{"80":CHAIN,"080":CHAIN}}}}""", "exact_match_map: the port occurs twice")]
    [InlineData("""{"matcherTree":{"input":PORT,"exactMatchMap":{"map":{"80":{}}}}}""", "filter_chain_matcher: port '80': action: the name of a filter chain is needed")]
    [InlineData("""{"matcherTree":{"input":PORT,"exactMatchMap":{"map":{"80":{"matcher":{"matcherTree":{"input":IP}}}}}}}""", "filter_chain_matcher: port '80': matcher: an exact map of application protocols is needed")]
    public void A_matcher_of_a_listener(string matcher, string reason)
    {
        const string Chain = """{"action":{"name":"h","typedConfig":{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"h"}}}""";
        matcher = matcher.Replace("CHAIN", Chain, StringComparison.Ordinal)
            .Replace("IP}", Input("DestinationIPInput") + "}", StringComparison.Ordinal)
            .Replace("IP,", Input("DestinationIPInput") + ",", StringComparison.Ordinal)
            .Replace("PORT", Input("DestinationPortInput"), StringComparison.Ordinal);
        var listener = MainInternal(Parser.Parse<global::Xds.Type.Matcher.V3.Matcher>(matcher), HttpChain("h", Route("r", "c")));
        AssertRefused(Assert.Single(_model.Send(listener)), "main_internal", reason);

        static string Input(string type) => "{\"typedConfig\":{\"@type\":\"type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3." + type + "\"}}";
    }

    [Fact]
    public void A_chain_of_a_listener()
    {
        var matcher = Address("10.96.0.1/32", (80, To("h")));
        AssertRefused(
            Assert.Single(_model.Send(MainInternal(matcher, new FilterChain { Name = "h" }))),
            "main_internal",
            "filter chain 'h': filters: neither an HTTP connection manager nor a TCP proxy");
        AssertRefused(
            Assert.Single(_model.Send(MainInternal(matcher, HttpChain("h", new HttpConnectionManager())))),
            "main_internal",
            "filter chain 'h': http_connection_manager: route_specifier: missing");
        AssertRefused(
            Assert.Single(_model.Send(MainInternal(matcher, TcpChain("h", "c"), TcpChain("h", "c")))),
            "main_internal",
            "filter_chains: the name 'h' is empty or occurs twice");
    }

    [Theory]
    [InlineData("rbac.v3.RBAC", """{"rules":{"action":7}}""", "action: 7 is not known")]
    [InlineData("rbac.v3.RBAC", """{"rules":{"policies":{"p":{"permissions":[{"urlPath":{}}],"principals":[{"any":true}]}}}}""", "policy 'p': url_path: no path")]
    [InlineData("rbac.v3.RBAC", """{"rules":{"policies":{"p":{"permissions":[{"destinationIp":{"addressPrefix":"x"}}],"principals":[{"any":true}]}}}}""", "policy 'p': destination_ip.address_prefix: 'x' is not an IP address")]
    [InlineData("rbac.v3.RBAC", """{"rules":{"policies":{"p":{"permissions":[{"metadata":{"filter":"f","value":{"presentMatch":true}}}],"principals":[{"any":true}]}}}}""", "policy 'p': metadata: path: keys are needed")]
    [InlineData("rbac.v3.RBAC", """{"rules":{"policies":{"p":{"permissions":[{"metadata":{"filter":"f","path":[{"key":"k"}]}}],"principals":[{"any":true}]}}}}""", "policy 'p': metadata: value: no match pattern, or one that is not supported")]
    [InlineData("rbac.v3.RBAC", """{"rules":{"policies":{"p":{"permissions":[{"uriTemplate":{"name":"t","typedConfig":{"@type":"type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig","pathTemplate":"a"}}}],"principals":[{"any":true}]}}}}""", "policy 'p': uri_template.path_template: path template 'a' does not begin with a slash")]
    [InlineData("jwt_authn.v3.JwtAuthentication", """{"providers":{"p":{}}}""", "provider 'p': jwks_source_specifier: missing")]
    [InlineData("jwt_authn.v3.JwtAuthentication", """{"providers":{"p":{"remoteJwks":{"httpUri":{"uri":"/keys","cluster":"c"}}}}}""", "provider 'p': remote_jwks: http_uri: an http or https URI and a cluster are needed")]
    [InlineData("jwt_authn.v3.JwtAuthentication", """{"rules":[{"match":{"prefix":"/"},"requirementName":"r"}]}""", "rule: requirement_name: 'r' is not in requirement_map")]
    [InlineData("ext_authz.v3.ExtAuthz", """{"grpcService":{}}""", "grpc_service: target_specifier: None is not supported")]
    [InlineData("ext_authz.v3.ExtAuthz", """{"httpService":{}}""", "http_service: server_uri.cluster: missing")]
    [InlineData("ext_authz.v3.ExtAuthz", """{"grpcService":{"envoyGrpc":{"clusterName":"c"}},"withRequestBody":{}}""", "with_request_body.max_request_bytes: 0 is out of range")]
    public void A_filter_of_a_listener(string type, string config, string reason)
    {
        var manager = Manager(Route("r", "c"));
        manager.HttpFilters.Insert(0, new HttpFilter
        {
            Name = "f",
            TypedConfig = Parser.Parse<Any>(config.Insert(1, $"\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.{type}\"{(config == "{}" ? "" : ",")}")),
        });
        AssertRefused(
            Assert.Single(_model.Send(MainInternal(Address("10.96.0.1/32", (80, To("h"))), HttpChain("h", manager)))),
            "main_internal",
            $"filter chain 'h': http_connection_manager: filter 'f': {reason}");
    }

    [Theory]
    [InlineData("""{}""", "type: neither a certificate nor a validation context")]
    [InlineData("""{"validationContext":{}}""", "trusted_ca: neither inline bytes nor an inline string")]
    [InlineData("""{"validationContext":{"trustedCa":{"inlineString":"x"},"crl":{"inlineString":"x"}}}""", "crl: not supported")]
    [InlineData("""{"validationContext":{"trustedCa":{"inlineString":"x"},"verifyCertificateHash":["x"]}}""", "validation_context: only a trusted_ca is supported")]
    [InlineData("""{"tlsCertificate":{"certificateChain":{"inlineString":"x"}}}""", "private_key: neither inline bytes nor an inline string")]
    public void A_secret(string secret, string reason) =>
        AssertRefused(Apply(ResourceTypes.Secret, Parser.Parse<Envoy.Extensions.TransportSockets.Tls.V3.Secret>(secret)), "x", reason);

    [Theory]
    [InlineData("{}", "uid: empty")]
    [InlineData("""{"uid":"u","addresses":["AAAA"]}""", "addresses: an address of 3 bytes; 4 or 16 are needed")]
    public void A_workload(string workload, string reason) =>
        AssertRefused(Apply(ResourceTypes.Workload, Parser.Parse<Istio.Workload.Workload>(workload)), "x", reason);

    [Fact]
    public void Endpoints_behind_a_tunnel_to_nowhere()
    {
        var endpoints = Parser.Parse<Envoy.Config.Endpoint.V3.ClusterLoadAssignment>(
            """{"clusterName":"c","endpoints":[{"lbEndpoints":[{"endpoint":{"address":{"envoyInternalAddress":{"serverListenerName":"connect_originate","endpointId":"nowhere"}}}}]}]}""");
        _model.Send(EdsCluster("c"));
        AssertRefused(
            Assert.Single(_model.Send(endpoints)), "c", "endpoint.address.envoy_internal_address.endpoint_id: 'nowhere' is not an IP address and port");
    }

    private Rejection Apply(string type, IMessage message) => Assert.Single(_model.Apply(type, [Resource("x", message)], []));

    private static void AssertRefused(Rejection rejection, string name, string reason)
    {
        Assert.Equal(name, rejection.Name);
        Assert.EndsWith(reason, rejection.Reason, StringComparison.Ordinal);
    }
}
