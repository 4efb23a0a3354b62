using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests;

/// <summary>What Istio's own tools say of our waypoint.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class IstioctlTests(Shop shop)
{
    [Fact]
    public async Task Analyze_finds_nothing_wrong_in_the_namespace()
    {
        var result = await Tool.TryAsync("istioctl", "", ["analyze", "-n", Shop.Name]);
        Assert.DoesNotContain("Error [", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cluster", "inbound-vip")]
    [InlineData("listener", "inbound-vip")]
    [InlineData("endpoint", "HEALTHY")]
    [InlineData("secret", "Cert Chain")]
    [InlineData("bootstrap", "waypoint~")]
    [InlineData("all", "main_internal")]
    public async Task Proxy_config_shows_what_is_in_force(string part, string expected)
    {
        string[] format = part == "bootstrap" ? ["-o", "json"] : [];
        var shown = await Tool.RunAsync("istioctl", ["proxy-config", part, $"{shop.Waypoint.Name}.{Shop.Name}", .. format]);
        Assert.Contains(expected, shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proxy_status_of_the_pod_finds_no_difference_between_istiod_and_the_waypoint()
    {
        var status = await Tool.RunAsync("istioctl", "proxy-status", $"{shop.Waypoint.Name}.{Shop.Name}");
        Assert.DoesNotContain("Don't Match", status, StringComparison.Ordinal);
        Assert.Contains("Clusters Match", status, StringComparison.Ordinal);
        Assert.Contains("Listeners Match", status, StringComparison.Ordinal);
    }
}
