using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tcp;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Filters.ExtAuthz;

/// <summary>Istio's own authorisation service. Needs the program <c>extauthz</c>.</summary>
[Trait("Needs", "shared")]
public sealed class IstioAuthorizerTests : IAsyncLifetime
{
    private readonly FilterConfig _config = new();
    private Process _authorizer = null!;

    public async Task InitializeAsync()
    {
        var (grpc, http) = (FreePort(), FreePort());
        _authorizer = Process.Start(new ProcessStartInfo("extauthz", ["-grpc", $"{grpc.Port}", "-http", $"{http.Port}"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        await ListeningAsync(grpc);
        await ListeningAsync(http);
        _config.Clusters["grpc"] = SlotOf(ClusterOf(UpstreamProtocol.Http2, grpc));
        _config.Clusters["http"] = SlotOf(ClusterOf(UpstreamProtocol.Http1, http));
    }

    public Task DisposeAsync()
    {
        _authorizer.Kill();
        _authorizer.Dispose();
        return Task.CompletedTask;
    }

    [Theory]
    [InlineData("""{"grpcService":{"envoyGrpc":{"clusterName":"grpc"},"timeout":"5s"}}""")]
    [InlineData("""
        {"httpService":{"serverUri":{"uri":"http://x","cluster":"http","timeout":"5s"},
        "authorizationResponse":{"allowedUpstreamHeaders":{"patterns":[{"prefix":"x-ext-authz"}]}}},"allowedHeaders":{"patterns":[{"exact":"x-ext-authz"}]}}
        """)]
    public async Task It_lets_pass_who_says_the_word(string config)
    {
        var filter = _config.Http("ext_authz.v3.ExtAuthz", config);
        var allowed = new FilteredRequest("GET", "/", "echo", [filter]).With("x-ext-authz", "allow");
        Assert.True(await allowed.PassesAsync());
        Assert.Equal("allowed", allowed.Context.Request.Headers["x-ext-authz-check-result"]);

        var denied = new FilteredRequest("GET", "/", "echo", [filter]);
        Assert.False(await denied.PassesAsync());
        Assert.Equal((403, "ext_authz_denied"), (denied.Context.Response.StatusCode, denied.Exchange.Details));
        Assert.StartsWith("denied by ext_authz", denied.Body);
    }

    [Theory]
    [InlineData("spiffe://cluster.local/ns/foo/sa/a", true)]
    [InlineData("spiffe://cluster.local/ns/foo/sa/b", false)]
    public async Task It_knows_the_clients_of_connections(string principal, bool passes)
    {
        var chain = new TcpChain("tcp", new WeightedClusters([]))
        {
            Filters = [_config.Network("ext_authz.v3.ExtAuthz", """{"grpcService":{"envoyGrpc":{"clusterName":"grpc"},"timeout":"5s"}}""")],
        };
        var connection = new TcpConnection(IPEndPoint.Parse("10.96.0.1:9090"), IPEndPoint.Parse("192.168.7.7:1"), principal, chain);
        Assert.Equal(passes, await chain.AdmitAsync(connection));
    }

    private static IPEndPoint FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    private static async Task ListeningAsync(IPEndPoint endpoint)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(endpoint, limit.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(50, limit.Token);
            }
        }
    }
}
