using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests;

/// <summary>The waypoint as the client: Istio's echo server speaks HBONE by itself in a pod, with a certificate of istiod's.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class HboneServerTests(Shop shop)
{
    [Fact]
    public async Task A_pod_that_speaks_HBONE_is_reached_by_a_tunnel()
    {
        await using var server = await ServerAsync(account: "client");
        var pod = (await Kubectl.PodsAsync(Shop.Name, "app=tunnelled"))[0];

        // Out of a tunnel the pod speaks to itself. Before istiod knows that the pod takes tunnels, the waypoint speaks to it plainly.
        await shop.Client(Carrier.Kernel).UntilAsync(
            a => a.Status == 200 && a.RequestHeader("X-Request-Id") is not null && a.Peer == pod.Address, Address(await AddressAsync()));
    }

    [Fact]
    public async Task A_pod_with_anothers_certificate_is_not_spoken_to()
    {
        var before = await RefusedAsync();
        await using var server = await ServerAsync(account: "default");

        var answer = await shop.Client(Carrier.Kernel).UntilAsync(a => a.Status == 503, Address(await AddressAsync()));

        Assert.Null(answer.Hostname);
        Assert.True(await RefusedAsync() > before, "no refusal was counted");
        var log = await Kubectl.RunAsync("-n", Shop.Name, "logs", shop.Waypoint.Name, "--since=60s");
        Assert.Contains("spiffe://cluster.local/ns/shop/sa/client; spiffe://cluster.local/ns/shop/sa/default was expected", log, StringComparison.Ordinal);
    }

    private static string Address(string ip) => $"http://{ip}:80/";

    private static Task<string> AddressAsync() => Kubectl.RunAsync("-n", Shop.Name, "get", "service", "tunnelled", "-o", "jsonpath={.spec.clusterIP}");

    private Task<double> RefusedAsync() => Exposition.SumAsync(
        $"{shop.Waypoint.Address}:15020/stats/prometheus", "waypoint_hbone_refused_total", "reason", "unexpected_identity");

    /// <summary>The server, whose certificate says that it is of the account <c>client</c>.</summary>
    /// <param name="account">Whose it is.</param>
    private static async Task<Manifest> ServerAsync(string account)
    {
        using var certificates = await Certificates.OfAsync(Shop.Name, "client");
        string Indented(string file) => File.ReadAllText(Path.Combine(certificates.Folder, file)).TrimEnd().Replace("\n", "\n    ", StringComparison.Ordinal);
        var manifest = await Manifest.ApplyAsync($$$"""
            apiVersion: v1
            kind: Secret
            metadata: {name: tunnelled, namespace: shop}
            stringData:
              certificate.pem: |
                {{{Indented("certificate.pem")}}}
              key.pem: |
                {{{Indented("key.pem")}}}
              roots.pem: |
                {{{Indented("roots.pem")}}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: tunnelled, namespace: shop}
            spec: {selector: {app: tunnelled}, ports: [{name: http, port: 80, targetPort: 8080}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: tunnelled, namespace: shop, labels: {app: tunnelled}}
            spec:
              serviceAccountName: {{{account}}}
              terminationGracePeriodSeconds: 0
              volumes: [{name: certificates, secret: {secretName: tunnelled}}]
              containers:
              - name: echo
                image: localhost/echo:1
                imagePullPolicy: Never
                args: [--hbone=15008, --tls=15008, --crt=/c/certificate.pem, --key=/c/key.pem, --ca=/c/roots.pem]
                volumeMounts: [{name: certificates, mountPath: /c}]
            """);
        await Kubectl.RunAsync("-n", Shop.Name, "wait", "--for=condition=Ready", "pod/tunnelled", "--timeout=60s");
        return manifest;
    }
}
