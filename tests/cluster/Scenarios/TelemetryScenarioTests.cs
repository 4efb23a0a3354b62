using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests.Scenarios;

/// <summary>Scenario telemetry: which requests get a line in the log, and with which labels they are counted.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class TelemetryScenarioTests(Shop shop)
{
    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Telemetry_only_failures_are_logged_and_a_label_is_added_and_another_removed(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("telemetry");
        var client = shop.Client(carrier);
        var mark = Guid.NewGuid().ToString("N");
        string[] log = [];
        await Eventually.TrueAsync(
            async () =>
            {
                await client.GetAsync($"http://echo:80/{mark}?codes=418");
                log = [.. (await Kubectl.RunAsync("-n", Shop.Name, "logs", shop.Waypoint.Name, "--since=60s")).Split('\n').Where(l => l.Contains(mark, StringComparison.Ordinal))];
                return log.Length > 0;
            },
            TimeSpan.FromSeconds(20),
            "a line of the access log");
        Assert.Matches($"\"GET /{mark}\\?codes=418 HTTP/1.1\" 418 - via_upstream - \"-\"", log[0]);
        await client.GetAsync($"http://echo:80/{mark}/fine");
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        Assert.DoesNotContain($"{mark}/fine", await Kubectl.RunAsync("-n", Shop.Name, "logs", shop.Waypoint.Name, "--since=60s"), StringComparison.Ordinal);

        var metrics = await shop.MetricsAsync();
        var series = metrics.Split('\n').Where(l => l.StartsWith("istio_requests_total{", StringComparison.Ordinal) && l.Contains("response_code=\"418\"", StringComparison.Ordinal)).ToList();
        Assert.Contains(series, l => l.Contains("host=\"echo", StringComparison.Ordinal) && !l.Contains("request_protocol=", StringComparison.Ordinal));
    }
}
