using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting;
using Waypoint.NodeAgent.Kubernetes;
using Waypoint.NodeAgent.Kubernetes.Model;

namespace Waypoint.NodeAgent.Tests.Kubernetes;

public sealed class KubernetesClientTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kubeconfig").FullName;

    [Fact]
    public async Task A_pod_is_read_with_what_it_has_and_what_it_lacks()
    {
        await using ApiServer server = await ApiServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0));
        server.Put("pods/shop/full", Manifest.Pod("shop", "full", "uid", "Running", "ambient", "10.0.0.1", "fd00::1"));
        server.Put("pods/shop/bare", new() { ["metadata"] = new JsonObject { ["name"] = "bare" } });
        using var client = new KubernetesClient(new KubernetesConfiguration { Server = server.Address });

        ResourceList<Pod> list = await client.ListAsync(ApiResources.Pods, null, "0", CancellationToken.None);

        Pod bare = list.Items![0];
        Assert.Equal(("bare", "", "", false, null), (bare.Metadata.Name, bare.Metadata.Uid, bare.Status.Phase, bare.Spec.HostNetwork, bare.Metadata.Label("x")));
        Pod full = list.Items[1];
        Assert.Equal(("shop", "uid", "Running", "ambient"), (full.Metadata.Namespace, full.Metadata.Uid, full.Status.Phase, full.Metadata.Label("istio.io/dataplane-mode")));
        Assert.Equal(["10.0.0.1", "fd00::1"], full.Status.PodIPs!.Select(ip => ip.IP));
    }

    [Fact]
    public async Task An_annotation_is_set_and_removed_through_the_status_of_that_very_pod()
    {
        await using ApiServer server = await ApiServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0));
        server.Put("pods/shop/a", Manifest.Pod("shop", "a", "uid-a"));
        using var client = new KubernetesClient(new KubernetesConfiguration { Server = server.Address });
        var pod = new ObjectMeta { Namespace = "shop", Name = "a", Uid = "uid-a" };

        await client.AnnotateAsync(pod, "x/y", "enabled", CancellationToken.None);
        Assert.Equal("""PATCH /api/v1/namespaces/shop/pods/a/status {"metadata":{"uid":"uid-a","annotations":{"x/y":"enabled"}}}""", server.Requests[^1]);
        Assert.Equal("enabled", (string?)server.Get("pods/shop/a")["metadata"]!["annotations"]!["x/y"]);

        await client.AnnotateAsync(pod, "x/y", null, CancellationToken.None);
        Assert.Equal("""PATCH /api/v1/namespaces/shop/pods/a/status {"metadata":{"uid":"uid-a","annotations":{"x/y":null}}}""", server.Requests[^1]);

        var refusal = await Assert.ThrowsAsync<KubernetesException>(
            () => client.AnnotateAsync(pod with { Uid = "another" }, "x/y", "enabled", CancellationToken.None));
        Assert.Equal(HttpStatusCode.Conflict, refusal.Status);
        Assert.Equal("409 Conflict: the uid is another", refusal.Message);
    }

    [Fact]
    public async Task A_token_that_was_replaced_is_the_one_that_is_shown()
    {
        await using ApiServer server = await ApiServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0));
        string token = Path.Combine(_folder, "token");
        using var client = new KubernetesClient(Kubeconfig.Load(Write($"{{server: \"{server.Address}\"}}", "{tokenFile: token}")));

        await File.WriteAllTextAsync(token, "first\n");
        await client.ListAsync(ApiResources.Pods, null, "0", CancellationToken.None);
        Assert.Equal("Bearer first", server.Authorization);
        await File.WriteAllTextAsync(token, "second\n");
        await client.ListAsync(ApiResources.Pods, null, "0", CancellationToken.None);
        Assert.Equal("Bearer second", server.Authorization);
    }

    [Fact]
    public async Task A_server_is_believed_only_with_a_certificate_of_the_given_root_for_its_name()
    {
        using X509Certificate2 good = Certificate("localhost");
        using X509Certificate2 other = Certificate("localhost");
        using X509Certificate2 elsewhere = Certificate("elsewhere");
        Assert.True(await ListsAsync(good, good));
        Assert.False(await ListsAsync(other, good));
        Assert.False(await ListsAsync(elsewhere, elsewhere));

        async Task<bool> ListsAsync(X509Certificate2 shown, X509Certificate2 trusted)
        {
            await using ApiServer server = await ApiServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), listen => listen.UseHttps(shown));
            string data = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(trusted.ExportCertificatePem()));
            using var client = new KubernetesClient(Kubeconfig.Load(
                Write($"{{server: \"https://localhost:{server.Address.Port}\", certificate-authority-data: {data}}}", "{token: t}")));
            try
            {
                await client.ListAsync(ApiResources.Pods, null, "0", CancellationToken.None);
                return true;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }
    }

    [Theory]
    [InlineData("{server: \"https://a\"}", "{exec: {command: login}}", "a user with \"exec\" or \"auth-provider\" is not supported: give a token or a certificate")]
    [InlineData("{}", "{token: t}", "clusters \"here\": cluster: \"server\" is missing")]
    public void A_kubeconfig_that_cannot_be_used_says_why(string cluster, string user, string reason)
    {
        string path = Write(cluster, user);
        Assert.Equal($"{path}: {reason}", Assert.Throws<KubernetesException>(() => Kubeconfig.Load(path)).Message);
    }

    [Fact]
    public void In_a_pod_the_environment_says_where_the_server_is_and_without_either_nothing_does()
    {
        var environment = new Dictionary<string, string> { ["KUBERNETES_SERVICE_HOST"] = "fd00::1", ["KUBERNETES_SERVICE_PORT"] = "6443" };
        Assert.Equal("https://[fd00::1]:6443/", KubernetesConfiguration.Load(environment.GetValueOrDefault).Server.ToString());
        Assert.Equal(
            "neither KUBECONFIG nor KUBERNETES_SERVICE_HOST is set: the API server is not known",
            Assert.Throws<KubernetesException>(() => KubernetesConfiguration.Load(_ => null)).Message);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string cluster, string user)
    {
        string path = Path.Combine(_folder, "config");
        File.WriteAllText(path, $$$"""
            apiVersion: v1
            kind: Config
            current-context: here
            contexts:
            - {name: elsewhere, context: {cluster: nowhere, user: nobody}}
            - {name: here, context: {cluster: here, user: me}}
            clusters: [{name: here, cluster: {{{cluster}}}}]
            users: [{name: me, user: {{{user}}}}]
            """);
        return path;
    }

    private static X509Certificate2 Certificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddHours(1));
    }
}
