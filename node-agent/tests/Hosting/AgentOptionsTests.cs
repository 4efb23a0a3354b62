using Waypoint.NodeAgent.Hosting;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Tests.Hosting;

public sealed class AgentOptionsTests
{
    private static readonly string[] Required = ["--xds-address", "control:15010", "--cgroup", "/tmp", "--node", "node-1"];

    [Fact]
    public void All_that_is_optional_has_a_default()
    {
        AgentOptions options = Parse(Required);

        Assert.Equal(("control", 15010), (options.XdsAddress.Host, options.XdsAddress.Port));
        Assert.Equal("127.0.0.1:15200", options.AdminAddress.ToString());
        Assert.Equal("0.0.0.0:15020", options.MetricsAddress.ToString());
        Assert.Equal("/sys/fs/bpf/waypoint", options.BpffsPath);
        Assert.Equal(("node-1", "Kubernetes", ""), (options.Node.Name, options.Node.ClusterId, options.Node.Network));
        Assert.False(options.ConnectionLog);
    }

    [Fact]
    public void A_value_may_follow_an_equals_sign()
    {
        AgentOptions options = Parse(["--xds-address=[::1]:15010", "--cgroup=/tmp", "--node=a=b", "--network=", "--connection-log"]);

        Assert.Equal("::1", options.XdsAddress.Host);
        Assert.Equal("a=b", options.Node.Name);
        Assert.True(options.ConnectionLog);
    }

    [Theory]
    [InlineData("--nope", "1", "--nope: unknown")]
    [InlineData("--network", null, "--network: needs a value")]
    [InlineData("--node", "other", "--node: given twice")]
    [InlineData("--admin-address", "15200", "--admin-address: '15200' is no ADDRESS:PORT")]
    [InlineData("--metrics-address", "127.0.0.1:15200", "--metrics-address: '127.0.0.1:15200' has the port of --admin-address")]
    public void A_bad_flag_is_named_with_its_value(string flag, string? value, string message) =>
        Assert.Equal(message, Assert.Throws<BadFlagException>(() => Parse([.. Required, flag, .. value is null ? [] : new[] { value }])).Message);

    [Theory]
    [InlineData("--xds-address", "control", "--xds-address: 'control' is no HOST:PORT")]
    [InlineData("--xds-address", "control:0", "--xds-address: 'control:0' is no HOST:PORT")]
    [InlineData("--cgroup", "/does/not/exist", "--cgroup: '/does/not/exist' is no directory")]
    [InlineData("--node", "", "--node: missing")]
    public void A_required_flag_with_a_bad_value_is_named(string flag, string value, string message)
    {
        string[] arguments = [.. Required];
        arguments[Array.IndexOf(arguments, flag) + 1] = value;
        Assert.Equal(message, Assert.Throws<BadFlagException>(() => Parse(arguments)).Message);
    }

    [Fact]
    public void The_environment_says_what_no_flag_says()
    {
        var environment = new Dictionary<string, string>
        {
            ["XDS_ADDRESS"] = "istiod.istio-system.svc:15012", ["XDS_ROOT_CA"] = "/ca", ["XDS_TOKEN"] = "/token", ["NODE_NAME"] = "node-2",
            ["CGROUP_PATH"] = "/tmp", ["ISTIO_META_CLUSTER_ID"] = "east", ["ISTIO_META_NETWORK"] = "", ["POD_NAME"] = "agent-x",
            ["POD_NAMESPACE"] = "system", ["SERVICE_ACCOUNT"] = "agent", ["INSTANCE_IP"] = "10.0.0.1",
        };

        AgentOptions options = AgentOptions.Parse(["--node", "node-1"], environment.GetValueOrDefault);

        Assert.Equal(("istiod.istio-system.svc", "/ca", "/token"), (options.XdsAddress.Host, options.XdsRootCa, options.XdsToken));
        Assert.Equal(new Node("node-1", "east", ""), options.Node);
        Assert.Equal("/tmp", options.CgroupPath);
        Assert.Equal(new AgentIdentity("agent-x", "system", "agent", "10.0.0.1"), options.Identity);
    }

    [Theory]
    [InlineData("--replace-kube-proxy", null, true)]
    [InlineData("--connection-log", "true", true)]
    [InlineData("--connection-log", "false", false)]
    [InlineData("--connection-log", null, false)]
    public void A_kube_proxy_is_replaced_when_a_flag_or_a_variable_says_so(string flag, string? variable, bool replaces) => Assert.Equal(
        replaces,
        AgentOptions.Parse([.. Required, "--kubernetes", flag], name => name == "REPLACE_KUBE_PROXY" ? variable : null).Node.ReplacesKubeProxy);

    [Fact]
    public void A_kube_proxy_cannot_be_replaced_without_the_kubernetes_api()
    {
        Assert.Equal(
            "--replace-kube-proxy: needs --kubernetes, which tells what there is to serve",
            Assert.Throws<BadFlagException>(() => Parse([.. Required, "--replace-kube-proxy"])).Message);
        Assert.Equal(
            "REPLACE_KUBE_PROXY: 'yes' is neither true nor false",
            Assert.Throws<BadFlagException>(() => AgentOptions.Parse(Required, name => name == "REPLACE_KUBE_PROXY" ? "yes" : null)).Message);
    }

    [Fact]
    public void A_bad_variable_is_named_like_a_flag() => Assert.Equal(
        "XDS_ADDRESS: 'control' is no HOST:PORT",
        Assert.Throws<BadFlagException>(() => AgentOptions.Parse(["--node", "n"], name => name == "XDS_ADDRESS" ? "control" : null)).Message);

    [Fact]
    public void Uninstall_knows_one_flag()
    {
        Assert.Equal("/elsewhere", AgentOptions.ParseUninstall(["--bpffs", "/elsewhere"]));
        Assert.Throws<BadFlagException>(() => AgentOptions.ParseUninstall(["--node", "a"]));
    }

    private static AgentOptions Parse(string[] arguments) => AgentOptions.Parse(arguments, _ => null);
}
