using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Waypoint.Cluster.Tests.Clients;
using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests;

/// <summary>The HBONE port, with Istio's echo client as the peer: who is refused, and that a rotation is not noticed.</summary>
[Trait("Needs", "cluster")]
[Collection(Shop.Name)]
public sealed class HboneTests(Shop shop)
{
    private const string Trusted = "spiffe://cluster.local/ns/shop/sa/client";

    [Fact]
    public async Task A_certificate_of_istiods_is_believed() =>
        await shop.Client(Carrier.Hbone).UntilAsync(a => a.Status == 200, "http://echo:80/");

    [Theory]
    [InlineData("no_certificate")]
    [InlineData("unknown_authority")]
    [InlineData("expired")]
    [InlineData("wrong_trust_domain")]
    [InlineData("no_spiffe_id")]
    public async Task A_peer_that_is_not_believed_is_refused_counted_and_logged(string reason)
    {
        using var authority = reason == "unknown_authority" ? MakeAuthority() : await IstiodsAuthorityAsync();
        var now = DateTimeOffset.UtcNow;
        using var certificates = reason == "no_certificate" ? null : Certificates.Signed(
            authority,
            reason switch
            {
                "wrong_trust_domain" => "spiffe://evil.example/ns/shop/sa/client",
                "no_spiffe_id" => "https://example.org/",
                _ => Trusted,
            },
            reason == "expired" ? now.AddMinutes(-1) : now.AddHours(1));
        var before = await RefusedAsync(reason);
        var start = DateTime.UtcNow;

        var result = await new HboneClient(certificates?.Folder, () => shop.Waypoint.Address, shop.AddressOf).RunAsync("http://echo:80/");

        Assert.NotEqual(0, result.ExitCode);
        await Eventually.TrueAsync(async () => await RefusedAsync(reason) > before, TimeSpan.FromSeconds(5), "the refusal to be counted");
        var log = await Kubectl.RunAsync("-n", Shop.Name, "logs", shop.Waypoint.Name, $"--since-time={start:yyyy-MM-ddTHH:mm:ssZ}");
        Assert.Contains(reason, log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a port that the service does not have", "echo", 81)]
    [InlineData("a pod, through a waypoint for services", "pod", 8080)]
    [InlineData("a service of another namespace", "kubernetes", 443)]
    [InlineData("the waypoint's own admin port", "waypoint", 15000)]
    public async Task A_tunnel_to_what_the_waypoint_does_not_serve_is_refused(string what, string host, int port)
    {
        var address = host switch
        {
            "pod" => (await Kubectl.PodsAsync(Shop.Name, "app=echo,version=v1"))[0].Address,
            "waypoint" => shop.Waypoint.Address,
            "kubernetes" => (string)(await Kubectl.GetAsync("default", "service", "kubernetes"))["spec"]!["clusterIP"]!,
            _ => shop.AddressOf(host),
        };
        var result = await shop.Client(Carrier.Hbone).RunAsync($"http://{address}:{port}/");
        Assert.True(result.ExitCode != 0, $"{what}: {result.Output}");
    }

    [Fact]
    public async Task No_request_fails_while_certificates_rotate()
    {
        await Kubectl.RunAsync("-n", Shop.Name, "set", "env", "deployment/waypoint", "SECRET_TTL=20s");
        try
        {
            await shop.WaypointAsync();
            var client = shop.Client(Carrier.Hbone);
            await client.UntilAsync(a => a.Status == 200, "http://echo:80/");
            var before = await CertificatesAsync();

            string[] steadily = ["--count=1200", "--qps=30", "--timeout=70s", "--istio.test.echo.requestTimeout=70s"];

            // A connection, and so a handshake, for each request of the one; the other stays on its connections.
            var results = await Task.WhenAll(
                client.RunAsync("http://echo:80/", [.. steadily, "--new-connection-per-request"]),
                client.RunAsync("http://echo:80/", steadily));

            foreach (var result in results)
            {
                var answers = EchoResponse.Parse(result.Output);
                var words = result.Output.Split('\n').Concat(result.Error.Split('\n')).Where(l => l.Contains("error", StringComparison.OrdinalIgnoreCase)).Take(5);
                Assert.True(answers.Count == 1200, $"{answers.Count} answers; {string.Join('\n', words)}");
                Assert.DoesNotContain(answers, a => a.Status != 200);
            }

            Assert.InRange(await CertificatesAsync() - before, 3, 10);
        }
        finally
        {
            await Kubectl.RunAsync("-n", Shop.Name, "set", "env", "deployment/waypoint", "SECRET_TTL-");
            await shop.WaypointAsync();
        }
    }

    private async Task<double> RefusedAsync(string reason) =>
        Sum(await shop.MetricsAsync(), "waypoint_hbone_refused_total", $"reason=\"{reason}\"");

    private async Task<double> CertificatesAsync() =>
        Sum(await shop.MetricsAsync(), "waypoint_certificate_requests_total", "result=\"success\"");

    private static double Sum(string metrics, string name, string label) =>
        metrics.Split('\n')
            .Where(l => l.StartsWith(name + "{", StringComparison.Ordinal) && l.Contains(label, StringComparison.Ordinal))
            .Sum(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    private static async Task<X509Certificate2> IstiodsAuthorityAsync()
    {
        var secret = (await Kubectl.GetAsync("istio-system", "secret", "istio-ca-secret"))["data"]!;
        string Pem(string key) => System.Text.Encoding.UTF8.GetString(Convert.FromBase64String((string)secret[key]!));
        return X509Certificate2.CreateFromPem(Pem("ca-cert.pem"), Pem("ca-key.pem"));
    }

    private static X509Certificate2 MakeAuthority()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("O=cluster.local", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(2));
    }
}
