using Envoy.Config.Listener.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Waypoint.Proxy.Xds.Translation;

namespace Waypoint.Proxy.Tests.Xds;

public sealed class TrustDomainTests
{
    [Fact]
    public void The_names_of_the_trust_domain_are_the_beginnings_of_ids_that_clients_may_have()
    {
        var parser = new JsonParser(JsonParser.Settings.Default.WithTypeRegistry(
            TypeRegistry.FromMessages(Envoy.Extensions.TransportSockets.Tls.V3.DownstreamTlsContext.Descriptor)));
        var listener = parser.Parse<Listener>(
            """
            {"name": "connect_terminate", "filterChains": [{"transportSocket": {"name": "tls", "typedConfig": {
              "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
              "commonTlsContext": {"combinedValidationContext": {"defaultValidationContext": {"matchTypedSubjectAltNames": [
                {"sanType": "URI", "matcher": {"prefix": "spiffe://cluster.local/"}},
                {"sanType": "URI", "matcher": {"prefix": "spiffe://old.example/"}},
                {"sanType": "URI", "matcher": {"prefix": "spiffe://narrow.example/ns/shop/"}},
                {"sanType": "URI", "matcher": {"prefix": "spiffe://"}},
                {"sanType": "DNS", "matcher": {"prefix": "spiffe://dns.example/"}}]}}}}}}]}
            """);
        Assert.Equal(["cluster.local", "old.example"], TrustDomainTranslator.Translate(listener));
        Assert.Empty(TrustDomainTranslator.Translate(new Listener()));
    }
}
