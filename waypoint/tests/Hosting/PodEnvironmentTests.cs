using Microsoft.Extensions.Logging;
using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.Xds;

namespace Waypoint.Proxy.Tests.Hosting;

public sealed class PodEnvironmentTests
{
    private static readonly string[] IstiodsCommandLine =
    [
        "proxy", "waypoint", "--domain", "shop.svc.example.org", "--serviceCluster", "waypoint.shop", "--proxyLogLevel", "warning",
        "--proxyComponentLogLevel", "misc:error", "--log_output_level", "default:debug", "--something_of_tomorrow=5",
    ];

    [Fact]
    public void The_pod_is_described_by_what_istiod_puts_into_its_environment()
    {
        var pod = Read(new()
        {
            ["POD_NAME"] = "waypoint-1",
            ["POD_NAMESPACE"] = "shop",
            ["INSTANCE_IP"] = "10.244.0.5",
            ["SERVICE_ACCOUNT"] = "waypoint",
            ["ISTIO_META_CLUSTER_ID"] = "c1",
            ["ISTIO_META_NODE_NAME"] = "node-1",
            ["PROXY_CONFIG"] = """{"discoveryAddress":"127.0.0.1:15010","terminationDrainDuration":"1m1.5s","proxyMetadata":{"EXIT_ON_ZERO_ACTIVE_CONNECTIONS":"true"},"unknown":{}}""",
            ["MINIMUM_DRAIN_DURATION"] = "250ms",
        });
        Assert.Equal("waypoint~10.244.0.5~waypoint-1.shop~shop.svc.example.org", pod.NodeId);
        Assert.Equal(("waypoint", "c1", "node-1"), (pod.ServiceAccount, pod.ClusterId, pod.NodeName));
        Assert.Equal("127.0.0.1:15010", pod.ProxyConfig.DiscoveryAddress);
        Assert.Equal(TimeSpan.FromSeconds(61.5), pod.ProxyConfig.TerminationDrainDuration);
        Assert.True(pod.ExitOnZeroActiveConnections);
        Assert.Equal(TimeSpan.FromMilliseconds(250), pod.MinimumDrainDuration);
    }

    [Fact]
    public void Without_a_proxy_config_Istios_defaults_hold()
    {
        var pod = Read([]);
        Assert.Equal("istiod.istio-system.svc:15012", pod.ProxyConfig.DiscoveryAddress);
        Assert.Equal(TimeSpan.FromSeconds(5), pod.ProxyConfig.TerminationDrainDuration);
        Assert.False(pod.ExitOnZeroActiveConnections);
    }

    [Theory]
    [InlineData("PROXY_CONFIG", "{")]
    [InlineData("PROXY_CONFIG", "[]")]
    [InlineData("PROXY_CONFIG", """{"discoveryAddress":5}""")]
    [InlineData("PROXY_CONFIG", """{"terminationDrainDuration":"soon"}""")]
    [InlineData("MINIMUM_DRAIN_DURATION", "5")]
    [InlineData("ISTIO_METAJSON_LABELS", "{")]
    public void A_variable_that_cannot_be_read_is_named(string variable, string value)
    {
        var error = Assert.Throws<FormatException>(() => Read(new() { [variable] = value }));
        Assert.Contains(variable, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_come_from_the_downward_API_and_else_from_the_environment()
    {
        var json = new Dictionary<string, string> { ["ISTIO_METAJSON_LABELS"] = """{"a":"from the environment"}""" };
        Assert.Equal("from the environment", Read(json).Labels["a"]);

        var folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "labels"), "a=\"from the file\"\ngateway.networking.k8s.io/gateway-name=\"waypoint\"\n");
            var labels = Read(json, folder).Labels;
            Assert.Equal("from the file", labels["a"]);
            Assert.Equal("waypoint", labels["gateway.networking.k8s.io/gateway-name"]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void The_control_plane_is_told_what_istiod_put_there_to_be_told()
    {
        var metadata = NodeIdentity.Of(Read(new()
        {
            ["ISTIO_META_OWNER"] = "kubernetes://apis/apps/v1/namespaces/shop/deployments/waypoint",
            ["ISTIO_METAJSON_ANNOTATIONS"] = """{"b":"c"}""",
            ["PROXY_CONFIG"] = """{"concurrency":2}""",
        })).Metadata.Fields;
        Assert.Equal("kubernetes://apis/apps/v1/namespaces/shop/deployments/waypoint", metadata["OWNER"].StringValue);
        Assert.Equal("c", metadata["ANNOTATIONS"].StructValue.Fields["b"].StringValue);
        Assert.Equal(2, metadata["PROXY_CONFIG"].StructValue.Fields["concurrency"].NumberValue);
        Assert.NotNull(NodeIdentity.Of(Read([])).Metadata.Fields["PROXY_CONFIG"].StructValue);
    }

    [Fact]
    public void Istiods_arguments_are_understood_and_unknown_ones_let_pass()
    {
        var arguments = WaypointArguments.Parse([.. IstiodsCommandLine, "--log_as_json"]);
        Assert.Equal("shop.svc.example.org", arguments.Domain);
        Assert.Equal(LogLevel.Debug, arguments.LogLevel);
        Assert.True(arguments.LogAsJson);
        Assert.Equal(LogLevel.Warning, WaypointArguments.Parse(["--log_output_level=all:debug,default:warn"]).LogLevel);
    }

    private static PodEnvironment Read(Dictionary<string, string> variables, string podInfo = "/nowhere") =>
        PodEnvironment.Read(variables, WaypointArguments.Parse(IstiodsCommandLine), podInfo);
}
