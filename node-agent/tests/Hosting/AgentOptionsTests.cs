using Waypoint.NodeAgent.Hosting;

namespace Waypoint.NodeAgent.Tests.Hosting;

public sealed class AgentOptionsTests
{
    private static readonly string[] Required = ["--xds-address", "control:15010", "--cgroup", "/tmp", "--node", "node-1"];

    [Fact]
    public void All_that_is_optional_has_a_default()
    {
        AgentOptions options = AgentOptions.Parse(Required);

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
        AgentOptions options = AgentOptions.Parse(["--xds-address=[::1]:15010", "--cgroup=/tmp", "--node=a=b", "--network=", "--connection-log"]);

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
        Assert.Equal(message, Assert.Throws<BadFlagException>(() => AgentOptions.Parse([.. Required, flag, .. value is null ? [] : new[] { value }])).Message);

    [Theory]
    [InlineData("--xds-address", "control", "--xds-address: 'control' is no HOST:PORT")]
    [InlineData("--xds-address", "control:0", "--xds-address: 'control:0' is no HOST:PORT")]
    [InlineData("--cgroup", "/does/not/exist", "--cgroup: '/does/not/exist' is no directory")]
    [InlineData("--node", "", "--node: missing")]
    public void A_required_flag_with_a_bad_value_is_named(string flag, string value, string message)
    {
        string[] arguments = [.. Required];
        arguments[Array.IndexOf(arguments, flag) + 1] = value;
        Assert.Equal(message, Assert.Throws<BadFlagException>(() => AgentOptions.Parse(arguments)).Message);
    }

    [Fact]
    public void Uninstall_knows_one_flag()
    {
        Assert.Equal("/elsewhere", AgentOptions.ParseUninstall(["--bpffs", "/elsewhere"]));
        Assert.Throws<BadFlagException>(() => AgentOptions.ParseUninstall(["--node", "a"]));
    }
}
