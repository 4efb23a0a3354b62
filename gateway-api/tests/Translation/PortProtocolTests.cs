using Envoy.Config.Cluster.V3;
using Envoy.Extensions.Upstreams.Http.V3;
using Istio.Workload;

namespace Waypoint.GatewayApi.Tests.Translation;

/// <summary>How a port's protocol is read, and what follows from it. The table is istiod's behaviour, port by port.</summary>
public class PortProtocolTests
{
    [Theory]
    [InlineData("{name: x, port: 1000, appProtocol: kubernetes.io/h2c}", "http", AppProtocol.Http2, "http2")]
    [InlineData("{name: x, port: 1000, appProtocol: kubernetes.io/ws}", "http", AppProtocol.Http11, "")]
    [InlineData("{name: x, port: 1000, appProtocol: kubernetes.io/wss}", "tcp", AppProtocol.Tls, "")]
    [InlineData("{name: x, port: 1000, appProtocol: grpc}", "http", AppProtocol.Grpc, "http2")]
    [InlineData("{name: x, port: 1000, appProtocol: grpc-web}", "http", AppProtocol.Unknown, "http2")]
    [InlineData("{name: x, port: 1000, appProtocol: http2}", "http", AppProtocol.Http2, "http2")]
    [InlineData("{name: x, port: 1000, appProtocol: HTTP}", "http", AppProtocol.Http11, "")]
    [InlineData("{name: x, port: 1000, appProtocol: https}", "tcp", AppProtocol.Tls, "")]
    [InlineData("{name: x, port: 1000, appProtocol: tls}", "tcp", AppProtocol.Tls, "")]
    [InlineData("{name: x, port: 1000, appProtocol: tcp}", "tcp", AppProtocol.Tcp, "")]
    [InlineData("{name: x, port: 1000, appProtocol: mysql}", "tcp", AppProtocol.Unknown, "")]
    [InlineData("{name: http-x, port: 1000, appProtocol: example.com/own}", "both", AppProtocol.Unknown, "as the client")]
    [InlineData("{name: http-web, port: 1000}", "http", AppProtocol.Http11, "")]
    [InlineData("{name: http2-x, port: 1000}", "http", AppProtocol.Http2, "http2")]
    [InlineData("{name: grpc-web, port: 1000}", "http", AppProtocol.Unknown, "http2")]
    [InlineData("{name: grpc, port: 1000}", "http", AppProtocol.Grpc, "http2")]
    [InlineData("{name: tls-x, port: 1000}", "tcp", AppProtocol.Tls, "")]
    [InlineData("{name: mongo-x, port: 1000}", "tcp", AppProtocol.Unknown, "")]
    [InlineData("{name: httpx, port: 1000}", "both", AppProtocol.Unknown, "as the client")]
    [InlineData("{name: h2c-x, port: 1000}", "both", AppProtocol.Unknown, "as the client")]
    [InlineData("{name: smtp, port: 25}", "tcp", AppProtocol.Tcp, "")]
    [InlineData("{name: any, port: 3306}", "tcp", AppProtocol.Tcp, "")]
    [InlineData("{name: http, port: 3306}", "http", AppProtocol.Http11, "")]
    [InlineData("{name: dns, port: 1000, protocol: UDP}", "none", AppProtocol.Unknown, "")]
    public void A_port_is_what_its_appProtocol_or_name_or_number_says(string port, string chains, AppProtocol wds, string upstream)
    {
        TestMesh mesh = new(TestMesh.Shop, $$"""
            apiVersion: v1
            kind: Service
            metadata: {name: ported, namespace: shop}
            spec: {clusterIP: 10.96.0.99, selector: {app: echo}, ports: [{{port}}] }
            """);
        List<Cluster> clusters = [.. mesh.Clusters().Where(cluster => cluster.Name.EndsWith("|ported.shop.svc.cluster.local", StringComparison.Ordinal))];
        List<string> kinds = [.. mesh.Listener().FilterChains.Where(chain => chain.Name.EndsWith("|ported.shop.svc.cluster.local", StringComparison.Ordinal)).Select(chain => chain.Name.Split('|')[2])];

        Assert.Equal(chains, string.Join('+', kinds) switch { "" => "none", "tcp+http" => "both", var one => one });
        Assert.Equal(kinds.Order(StringComparer.Ordinal), clusters.Select(cluster => cluster.Name.Split('|')[2]).Order(StringComparer.Ordinal));
        Assert.Equal(wds, mesh.Service("ported").Ports.Single().AppProtocol);
        Assert.All(clusters, cluster => Assert.Equal(upstream, Upstream(cluster)));
    }

    [Fact]
    public void Only_ports_that_no_service_leaves_open_are_not_sniffed()
    {
        TestMesh mesh = new(TestMesh.Shop, """
            apiVersion: v1
            kind: Service
            metadata: {name: another, namespace: shop}
            spec: {clusterIP: 10.96.0.98, selector: {app: echo}, ports: [{name: what, port: 9090}]}
            """);
        var inspector = mesh.Listener().ListenerFilters.Single(filter => filter.Name.EndsWith("http_inspector", StringComparison.Ordinal));

        Assert.Equal(80, inspector.FilterDisabled.DestinationPortRange.Start);
        Assert.Equal(81, inspector.FilterDisabled.DestinationPortRange.End);
    }

    private static string Upstream(Cluster cluster)
    {
        if (!cluster.TypedExtensionProtocolOptions.TryGetValue("envoy.extensions.upstreams.http.v3.HttpProtocolOptions", out var packed))
        {
            return "";
        }

        HttpProtocolOptions options = packed.Unpack<HttpProtocolOptions>();
        return options.ExplicitHttpConfig?.Http2ProtocolOptions is not null ? "http2" : options.UseDownstreamProtocolConfig is not null ? "as the client" : "";
    }
}
