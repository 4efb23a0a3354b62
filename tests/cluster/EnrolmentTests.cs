using System.Text.Json.Nodes;
using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests;

/// <summary>The node agent and the labels of Istio: who is in the mesh, and that nobody else notices. Without a waypoint, so layer 4 is all there is.</summary>
[Trait("Needs", "cluster")]
public sealed class EnrolmentTests : IClassFixture<EnrolmentTests.World>
{
    private const string Name = "enrolment";

    private const string Redirection = "ambient.istio.io/redirection";

    private static readonly PodClient Client = new(Name, "client");

    [Fact]
    public async Task Connections_of_an_enrolled_pod_are_balanced_by_the_node_and_those_of_others_are_not_touched()
    {
        var before = await BalancedAsync();
        var answers = await Client.SendAsync("http://echo/", "--count=40");
        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Equal(2, answers.Select(answer => answer.Hostname).Distinct().Count());
        await Eventually.TrueAsync(async () => await BalancedAsync() == before + 40, TimeSpan.FromSeconds(5), "40 connections of the client");

        await Kubectl.RunAsync("label", "pod", "-n", Name, "client", "istio.io/dataplane-mode=none");
        await StandsAsync("client", "OptedOut");
        Assert.Equal(200, (await Client.GetAsync("http://echo/")).Status);
        await Task.Delay(500);
        Assert.Equal(before + 40, await BalancedAsync());

        await Kubectl.RunAsync("label", "pod", "-n", Name, "client", "istio.io/dataplane-mode-");
        await StandsAsync("client", null);
        Assert.Equal(200, (await Client.GetAsync("http://echo/")).Status);
        await Eventually.TrueAsync(async () => await BalancedAsync() == before + 41, TimeSpan.FromSeconds(5), "another connection of the client");
    }

    [Fact]
    public async Task Istiod_knows_which_pods_are_enrolled()
    {
        await Eventually.TrueAsync(async () => await ProtocolAsync("client") == "HBONE", TimeSpan.FromSeconds(10), "istiod to list the pod as enrolled");
        Assert.Null(await ProtocolAsync("host"));

        await Kubectl.RunAsync("label", "namespace", Name, "istio.io/dataplane-mode-");
        await StandsAsync("client", "NotInMesh");
        await Eventually.TrueAsync(async () => await ProtocolAsync("client") is null, TimeSpan.FromSeconds(10), "istiod to list the pod as plain");

        await Kubectl.RunAsync("label", "namespace", Name, "istio.io/dataplane-mode=ambient");
        await StandsAsync("client", null);
    }

    [Fact]
    public async Task What_is_not_of_the_mesh_works_as_before()
    {
        // The API server, by a name that DNS resolves over UDP.
        Assert.Equal(200, (await Client.GetAsync("https://kubernetes.default.svc/version", "--insecure-skip-verify")).Status);

        // From the node to an enrolled pod, to a service, and from a pod of the node's network.
        var echo = (await Kubectl.PodsAsync(Name, "app=echo"))[0];
        var address = (string)(await Kubectl.GetAsync(Name, "service", "echo"))["spec"]!["clusterIP"]!;
        Assert.Contains("Hostname=", await Tool.RunAsync("curl", "-s", "--fail", "--max-time", "5", $"http://{echo.Address}:8080/"), StringComparison.Ordinal);

        // kube-proxy's rules may come a moment after the pods are ready.
        Assert.Contains(
            "Hostname=",
            await Tool.RunAsync("curl", "-s", "--fail", "--max-time", "15", "--retry", "10", "--retry-delay", "1", "--retry-connrefused", $"http://{address}/"),
            StringComparison.Ordinal);
        var fromHost = await new PodClient(Name, "host").RunAsync($"http://{address}/");
        Assert.True(fromHost.ExitCode == 0, fromHost.Output + fromHost.Error);
        await StandsAsync("host", "HostNetwork");

        // By the kubelet, which probes every second.
        Assert.All(await Kubectl.PodsAsync(Name, "app=echo"), pod =>
        {
            var status = pod.Object["status"]!["containerStatuses"]![0]!;
            Assert.True((bool)status["ready"]!);
            Assert.Equal(0, (int)status["restartCount"]!);
        });
    }

    [Fact]
    public async Task Both_families_of_a_service_are_the_nodes_and_its_outer_addresses_stay_kube_proxys()
    {
        var outer = await Kubectl.GetAsync(Name, "service", "outer");
        var before = await BalancedAsync("outer");
        foreach (var address in outer["spec"]!["clusterIPs"]!.AsArray().Select(ip => (string)ip!))
        {
            var host = address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;
            Assert.Equal(200, (await Client.GetAsync($"http://{host}/")).Status);
        }

        await Eventually.TrueAsync(async () => await BalancedAsync("outer") == before + 2, TimeSpan.FromSeconds(5), "a connection of each family");

        var node = (string)(await Kubectl.GetAsync(Name, "pod", "client"))["status"]!["hostIP"]!;
        Assert.Equal(200, (await Client.GetAsync($"http://{node}:{(int)outer["spec"]!["ports"]![0]!["nodePort"]!}/")).Status);
        Assert.Equal(200, (await Client.GetAsync("http://192.0.2.1/")).Status);
        await Task.Delay(500);
        Assert.Equal(before + 2, await BalancedAsync("outer"));
    }

    [Fact]
    public async Task Not_even_the_first_connection_of_a_pod_misses_the_mesh()
    {
        var before = await BalancedAsync();
        await using var hasty = await Manifest.ApplyAsync($$$$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: hasty, namespace: {{{{Name}}}}}
            spec:
              restartPolicy: Never
              terminationGracePeriodSeconds: 0
              initContainers: [{name: first, image: "localhost/echo:1", imagePullPolicy: Never, command: [client, "http://echo/"]}]
              containers: [{name: second, image: "localhost/echo:1", imagePullPolicy: Never, command: [client, "http://echo/"]}]
            """);
        await Kubectl.RunAsync("-n", Name, "wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/hasty", "--timeout=60s");
        await Eventually.TrueAsync(async () => await BalancedAsync() == before + 2, TimeSpan.FromSeconds(5), "a connection of each container");
    }

    [Fact]
    public async Task A_pod_is_enrolled_soon_after_its_start_and_leaves_with_its_end()
    {
        await Kubectl.RunAsync("-n", Name, "scale", "deployment/echo", "--replicas=3");
        await Kubectl.RolledOutAsync(Name, "deployment/echo");
        var pods = await Kubectl.PodsAsync(Name, "app=echo");
        foreach (var pod in pods)
        {
            await StandsAsync(pod.Name, null);
        }

        await Kubectl.RunAsync("-n", Name, "scale", "deployment/echo", "--replicas=0");
        await Eventually.TrueAsync(
            async () => !(await PodsAsync()).Any(pod => pods.Any(ended => (string?)pod["name"] == $"{Name}/{ended.Name}")), TimeSpan.FromSeconds(20), "the pods to leave");

        await Kubectl.RunAsync("-n", Name, "scale", "deployment/echo", "--replicas=2");
        await Kubectl.RolledOutAsync(Name, "deployment/echo");
    }

    /// <summary>Waits until the agent says of a pod that it is enrolled, or why not, and the pod's annotation says the same.</summary>
    private static async Task StandsAsync(string pod, string? reason) => await Eventually.TrueAsync(
        async () => (await PodsAsync()).FirstOrDefault(known => (string?)known["name"] == $"{Name}/{pod}") is { } known
            && (string?)known["notEnrolled"] == reason
            && (string?)(await Kubectl.GetAsync(Name, "pod", pod))["metadata"]!["annotations"]?[Redirection] == (reason is null ? "enabled" : null),
        TimeSpan.FromSeconds(20), $"{pod} to be {reason ?? "enrolled"}");

    private static async Task<IEnumerable<JsonObject>> PodsAsync() =>
        JsonNode.Parse(await Tool.RunAsync("curl", "-s", "--max-time", "5", "http://127.0.0.1:15200/pods"))!.AsArray().Select(pod => (JsonObject)pod!);

    /// <summary>The connections to a service that the node led to a pod.</summary>
    private static Task<double> BalancedAsync(string service = "echo") => Exposition.SumAsync(
        "127.0.0.1:15020/metrics", "istio_tcp_connections_opened_total", "destination_service", $"{service}.{Name}.svc.cluster.local");

    /// <summary>How istiod tells its clients to reach a pod; null is plainly.</summary>
    private static async Task<string?> ProtocolAsync(string pod)
    {
        var workloads = JsonNode.Parse(await Kubectl.RunAsync(
            "-n", "istio-system", "exec", "deploy/istiod", "--", "pilot-discovery", "request", "GET", "/debug/ambientz"))!["workloads"]!.AsArray();
        return (string?)workloads.Single(workload => (string?)workload!["namespace"] == Name && (string?)workload["name"] == pod)!["tunnelProtocol"];
    }

    /// <summary>The agent on every node, and a namespace of the mesh; each test leaves it as it was.</summary>
    public sealed class World : IAsyncLifetime
    {
        private Manifest? _manifest;

        public async Task InitializeAsync()
        {
            await NodeAgent.InstallAsync();
            _manifest = await Manifest.ApplyAsync($$$$"""
                apiVersion: v1
                kind: Namespace
                metadata: {name: {{{{Name}}}}, labels: {istio.io/dataplane-mode: ambient}}
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: echo, namespace: {{{{Name}}}}}
                spec: {selector: {app: echo}, ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 9090}]}
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: outer, namespace: {{{{Name}}}}}
                spec:
                  type: NodePort
                  externalIPs: [192.0.2.1]
                  ipFamilyPolicy: RequireDualStack
                  selector: {app: echo}
                  ports: [{name: http, port: 80, targetPort: 8080}]
                ---
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: echo, namespace: {{{{Name}}}}}
                spec:
                  replicas: 2
                  selector: {matchLabels: {app: echo}}
                  template:
                    metadata: {labels: {app: echo}}
                    spec:
                      terminationGracePeriodSeconds: 0
                      containers:
                      - name: echo
                        image: localhost/echo:1
                        imagePullPolicy: Never
                        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
                        livenessProbe: {tcpSocket: {port: 9090}, periodSeconds: 1, failureThreshold: 1}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: client, namespace: {{{{Name}}}}, labels: {app: client}}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers: [{name: client, image: "localhost/echo:1", imagePullPolicy: Never}]
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: host, namespace: {{{{Name}}}}, labels: {app: host}}
                spec:
                  hostNetwork: true
                  terminationGracePeriodSeconds: 0
                  containers: [{name: host, image: "localhost/echo:1", imagePullPolicy: Never, args: [--port=18080, --grpc=17070, --tcp=19090]}]
                """);
            await Task.WhenAll(
                Kubectl.RolledOutAsync(Name, "deployment/echo"),
                Kubectl.RunAsync("-n", Name, "wait", "--for=condition=Ready", "pod/client", "pod/host", "--timeout=60s"));
            await StandsAsync("client", null);
        }

        public async Task DisposeAsync()
        {
            if (_manifest is not null)
            {
                await _manifest.DisposeAsync();
            }
        }
    }
}
