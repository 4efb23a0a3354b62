using Waypoint.NodeAgent.Hosting;
using Waypoint.Xds.Delta.Client;

namespace Waypoint.NodeAgent.Tests.Hosting;

public sealed class ControlPlaneSessionTests
{
    [Fact]
    public async Task Over_tls_the_token_of_the_moment_is_shown_and_the_identity_is_that_of_a_ztunnel()
    {
        string token = Path.GetTempFileName();
        try
        {
            DeltaAdsClientOptions client = Options("istiod.istio-system.svc:15012", token);
            Assert.Equal("https://istiod.istio-system.svc:15012/", client.Address.ToString());
            Assert.NotNull(client.Channel.Tls);
            Assert.Equal("east", client.Headers!.Find("clusterid"));
            Assert.Equal("ztunnel~10.0.0.1~agent-x.system~system.svc.cluster.local", client.Node.Id);
            Assert.Equal(
                ["CLUSTER_ID=east", "INSTANCE_IPS=10.0.0.1", "ISTIO_VERSION=1.31.0", "NAME=agent-x", "NAMESPACE=system", "NETWORK=", "NODE_NAME=n", "SERVICE_ACCOUNT=agent"],
                client.Node.Metadata.Fields.Select(field => $"{field.Key}={field.Value.StringValue}").Order(StringComparer.Ordinal));

            await File.WriteAllTextAsync(token, "first\n");
            Assert.Equal("first", await client.Channel.BearerToken!(CancellationToken.None));
            await File.WriteAllTextAsync(token, "second\n");
            Assert.Equal("second", await client.Channel.BearerToken!(CancellationToken.None));
        }
        finally
        {
            File.Delete(token);
        }
    }

    [Fact]
    public void In_plain_text_no_token_is_shown()
    {
        DeltaAdsClientOptions client = Options("istiod.istio-system.svc:15010", "/nowhere");
        Assert.Equal("http://istiod.istio-system.svc:15010/", client.Address.ToString());
        Assert.Null(client.Channel.BearerToken);
    }

    private static DeltaAdsClientOptions Options(string address, string token) => ControlPlaneSession.ClientOptions(AgentOptions.Parse(
        ["--xds-address", address, "--xds-token", token, "--node", "n", "--cluster-id", "east", "--cgroup", "/tmp"],
        new Dictionary<string, string> { ["POD_NAME"] = "agent-x", ["POD_NAMESPACE"] = "system", ["SERVICE_ACCOUNT"] = "agent", ["INSTANCE_IP"] = "10.0.0.1" }
            .GetValueOrDefault));
}
