using System.Text.Json.Nodes;
using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests;

/// <summary>A trace that began before the waypoint goes on through it and its span is sent over OTLP, as Istio's Telemetry API asks.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class TracingTests(Shop shop)
{
    private const string Provider = "extensionProviders: [{name: collector, opentelemetry: {service: collector.shop.svc.cluster.local, port: 4317}}]";

    private const string Telemetry =
        """
        apiVersion: v1
        kind: Service
        metadata: {name: collector, namespace: shop, labels: {istio.io/use-waypoint: none}}
        spec: {ports: [{name: grpc, port: 4317}]}
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: collector, namespace: shop, labels: {kubernetes.io/service-name: collector}}
        addressType: IPv4
        ports: [{name: grpc, port: 4317}]
        endpoints: [{addresses: [NODE]}]
        ---
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: tracing, namespace: shop}
        spec:
          targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
          tracing: [{providers: [{name: collector}], randomSamplingPercentage: 100}]
        """;

    [Fact]
    public async Task A_trace_goes_on_through_the_waypoint_and_its_span_reaches_the_collector()
    {
        var mesh = (string)(await Kubectl.GetAsync("istio-system", "configmap", "istio"))["data"]!["mesh"]!;
        await ConfigureAsync($"{mesh.TrimEnd()}\n{Provider}\n");
        try
        {
            var node = (await Kubectl.GetAsync(Shop.Name, "pod", "client"))["status"]!["hostIP"]!;
            await using var collector = await SpanCollector.StartAsync();
            await using var telemetry = await Manifest.ApplyAsync(Telemetry.Replace("NODE", (string)node!, StringComparison.Ordinal));
            var trace = Guid.NewGuid().ToString("N");
            const string Parent = "00f067aa0ba902b7";

            // istiod reads its mesh configuration from a mounted file, which the kubelet writes anew within a minute or so.
            await Eventually.TrueAsync(
                async () =>
                {
                    var answer = await shop.Client(Carrier.Kernel).GetAsync("http://echo:80/", $"-Htraceparent: 00-{trace}-{Parent}-01");
                    var span = answer.RequestHeader("Traceparent")?.Split('-')[2];
                    await Task.Delay(TimeSpan.FromSeconds(1));
                    return span is not null && span != Parent && collector.Find(trace, span, Parent, "waypoint.shop", "http.status_code");
                },
                TimeSpan.FromSeconds(120),
                "the waypoint's span, child of the client's and parent of the backend's, at the collector");
        }
        finally
        {
            await ConfigureAsync(mesh);
        }
    }

    private static Task<string> ConfigureAsync(string mesh) => Kubectl.RunAsync(
        "-n", "istio-system", "patch", "configmap", "istio", "--type=merge", "--patch",
        new JsonObject { ["data"] = new JsonObject { ["mesh"] = mesh } }.ToJsonString());
}
