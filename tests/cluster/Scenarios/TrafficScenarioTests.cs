using System.Diagnostics;
using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;
using Waypoint.TestBed.Traffic;

namespace Waypoint.Cluster.Tests.Scenarios;

/// <summary>Scenarios retries, virtual-service, destination-rule, locality and service-entry: how requests are sent on.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class TrafficScenarioTests(Shop shop)
{
    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Retries_a_failing_backend_is_asked_four_times_and_a_slow_one_given_up(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("retries");
        var client = shop.Client(carrier);

        // Half of the answers are 500: of 100 requests 6 fail in four tries, and 50 in one.
        IReadOnlyList<EchoResponse> answers = [];
        await Eventually.TrueAsync(
            async () => (answers = await client.SendAsync("http://echo:80/?codes=500:1,200:1", "--count=100")).Count(a => a.Status == 200) > 75,
            TimeSpan.FromSeconds(20),
            "retries");
        Assert.All(answers, a => Assert.True(a.Status is 200 or 500, $"{a}"));
        Assert.Equal(500, (await client.GetAsync("http://echo:80/?codes=500")).Status);
        Assert.Equal(404, (await client.GetAsync("http://echo:80/?codes=404")).Status);

        var clock = Stopwatch.StartNew();
        Assert.Equal(504, (await client.GetAsync("http://echo:80/?delay=6s", "--timeout=15s")).Status);
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(11));
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task VirtualService_faults_rewrites_and_shares_are_as_written(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("virtual-service");
        var client = shop.Client(carrier);
        var cased = await client.UntilAsync(a => a.RequestHeader("X-A") == "b", "http://echo:80/CASE", "-HCookie: user=x");
        Assert.Equal("v2", cased.Version);
        Assert.Null((await client.GetAsync("http://echo:80/CASE", "-HCookie: user=x", "-Hx-no: 1")).RequestHeader("X-A"));
        Assert.Null((await client.GetAsync("http://echo:80/CASE", "-HCookie: user=y")).RequestHeader("X-A"));

        var aborted = (await client.SendAsync("http://echo:80/fault", "--count=300", "--timeout=10s")).Count(a => a.Status == 503);
        var bounds = BinomialBounds.Of(300, 0.05);
        Assert.InRange(aborted, Math.Max(bounds.Low, 1), bounds.High);

        var answers = await client.SendAsync("http://echo:80/", "--count=300", "-HOrigin: https://a.example");
        bounds = BinomialBounds.Of(300, 0.2);
        Assert.InRange(answers.Count(a => a.Version == "v2"), bounds.Low, bounds.High);
        Assert.All(answers, a => Assert.Equal("https://a.example", a.Header("Access-Control-Allow-Origin")));
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task DestinationRule_a_header_sticks_to_a_backend_and_TLS_is_begun(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("destination-rule");
        var client = shop.Client(carrier);
        await Eventually.TrueAsync(
            async () => (await client.SendAsync("http://echo:80/", "--count=20", "-Hx-user: a")).Select(a => a.Hostname).Distinct().Count() == 1,
            TimeSpan.FromSeconds(20),
            "requests of one user to stay at one backend");
        var backends = new HashSet<string?>();
        for (var user = 0; user < 16 && backends.Count < 2; user++)
        {
            backends.Add((await client.GetAsync("http://echo:80/", $"-Hx-user: {user}")).Hostname);
        }

        Assert.Equal(2, backends.Count);

        // The backend of echo-v1 speaks no TLS: to begin it must fail, and to send plain text would be worse.
        await client.UntilAsync(a => a.Status == 503, "http://echo-v1:80/");
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task Locality_services_with_preferences_answer(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("locality");
        var client = shop.Client(carrier);
        await client.UntilAsync(a => a.Status == 200 && a.RequestHeader("X-Request-Id") is not null, $"http://{await AddressAsync("echo-local")}:80/");
        await client.UntilAsync(a => a.Status == 200 && a.RequestHeader("X-Request-Id") is not null, $"http://{await AddressAsync("echo-node")}:80/");
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task ServiceEntry_a_static_address_is_served_by_the_waypoint(Carrier carrier)
    {
        await using var scenario = await Shop.ScenarioAsync("service-entry");

        // Nobody lives at the entry's endpoints; the answer is the waypoint's.
        var answer = await shop.Client(carrier).UntilAsync(a => a.Status == 503, "http://240.1.2.3:8080/", "--timeout=15s");
        Assert.Equal("istio-envoy", answer.Header("Server"));
    }

    [Theory]
    [InlineData(Carrier.Kernel)]
    [InlineData(Carrier.Hbone)]
    public async Task ServiceEntry_its_endpoints_are_reached(Carrier carrier)
    {
        var pod = (await Kubectl.PodsAsync(Shop.Name, "app=echo,version=v2"))[0];
        await using var entry = await Manifest.ApplyAsync(
            $$$"""
            apiVersion: networking.istio.io/v1
            kind: ServiceEntry
            metadata: {name: legacy, namespace: {{{Shop.Name}}}}
            spec:
              hosts: [legacy.example]
              addresses: [240.9.9.9]
              ports: [{number: 8081, name: http, protocol: HTTP}]
              resolution: STATIC
              endpoints: [{address: {{{pod.Address}}}, ports: {http: 8080}}]
            """);
        var answer = await shop.Client(carrier).UntilAsync(a => a.Status == 200, "http://240.9.9.9:8081/");
        Assert.Equal(("v2", "istio-envoy"), (answer.Version, answer.Header("Server")));
    }

    private static async Task<string> AddressAsync(string service) =>
        (string)(await Kubectl.GetAsync(Shop.Name, "service", service))["spec"]!["clusterIP"]!;
}
