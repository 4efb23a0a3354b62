using System.Text.Json.Nodes;
using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests;

/// <summary>A trace that began before the waypoint goes on through it and arrives at an OpenTelemetry collector, as Istio's Telemetry API asks.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class TracingTests(Shop shop)
{
    private const string Provider = "extensionProviders: [{name: collector, opentelemetry: {service: collector.shop.svc.cluster.local, port: 4317}}]";

    // Outside of the mesh, as a collector often is: no waypoint before it.
    private const string Collector =
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: collector, namespace: shop}
        data:
          config.yaml: |
            receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
            exporters: {debug: {verbosity: detailed}}
            service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: collector, namespace: shop, labels: {istio.io/use-waypoint: none}}
        spec: {selector: {app: collector}, ports: [{name: grpc, port: 4317}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: collector, namespace: shop, labels: {app: collector, istio.io/dataplane-mode: none}}
        spec:
          terminationGracePeriodSeconds: 0
          volumes: [{name: config, configMap: {name: collector}}]
          containers:
          - name: collector
            image: "localhost/otelcol:1"
            imagePullPolicy: Never
            args: [--config=/config/config.yaml]
            volumeMounts: [{name: config, mountPath: /config}]
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
            await using var collector = await Manifest.ApplyAsync(Collector);
            await Kubectl.RunAsync("-n", Shop.Name, "wait", "--for=condition=Ready", "pod/collector", "--timeout=30s");
            var trace = Guid.NewGuid().ToString("N");
            const string Parent = "00f067aa0ba902b7";
            var received = "";
            string? span = null;
            await Eventually.TrueAsync(
                async () =>
                {
                    var answer = await shop.Client(Carrier.Kernel).GetAsync("http://echo:80/", $"-Htraceparent: 00-{trace}-{Parent}-01");
                    span = answer.RequestHeader("Traceparent")?.Split('-')[2];
                    await Task.Delay(TimeSpan.FromSeconds(1));
                    received = await Kubectl.RunAsync("-n", Shop.Name, "logs", "collector");
                    return span is not null && span != Parent && received.Contains(span, StringComparison.Ordinal);
                },
                TimeSpan.FromSeconds(40),
                "the waypoint's span at the collector");

            Assert.Contains(trace, received, StringComparison.Ordinal);
            Assert.Matches($"Parent ID *: {Parent}", received);
            Assert.Contains("service.name: Str(waypoint.shop)", received, StringComparison.Ordinal);
            Assert.Contains("http.status_code", received, StringComparison.Ordinal);
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
