using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Waypoint.Proxy.Admin;
using Waypoint.Proxy.Hbone;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Tests.Admin;

public sealed class SecretsDumpTests
{
    [Fact]
    public void The_certificate_and_the_roots_are_told_and_the_key_is_not()
    {
        using var root = Root();
        using var leaf = Leaf(root);
        var workload = new WorkloadIdentity(() => [root]);
        workload.Publish(new WorkloadCertificate(leaf, [root]));

        using var dump = JsonDocument.Parse(Dump(new HboneIdentity(workload)));
        var secrets = dump.RootElement.EnumerateArray().ToDictionary(s => s.GetProperty("name").GetString()!, s => s.GetProperty("secret"));
        var own = secrets["default"].GetProperty("tls_certificate");
        Assert.Equal("[redacted]", Encoding.ASCII.GetString(own.GetProperty("private_key").GetProperty("inline_bytes").GetBytesFromBase64()));
        using var told = X509Certificate2.CreateFromPem(Pem(own.GetProperty("certificate_chain")));
        Assert.Equal(leaf.RawData, told.RawData);
        using var trusted = X509Certificate2.CreateFromPem(Pem(secrets["ROOTCA"].GetProperty("validation_context").GetProperty("trusted_ca")));
        Assert.Equal(root.RawData, trusted.RawData);
        Assert.DoesNotContain("PRIVATE KEY", dump.RootElement.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_an_identity_there_are_none() => Assert.Equal("[]", Dump(new HboneIdentity(null)));

    private static string Dump(HboneIdentity identity)
    {
        using var output = new MemoryStream();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartArray();
            new SecretsDump(identity).Write(new DumpItems(writer, null));
            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static string Pem(JsonElement source) => Encoding.ASCII.GetString(source.GetProperty("inline_bytes").GetBytesFromBase64());

    private static X509Certificate2 Root()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=root", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(2));
    }

    private static X509Certificate2 Leaf(X509Certificate2 root)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri("spiffe://cluster.local/ns/shop/sa/waypoint"));
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(root, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3]);
        return signed.CopyWithPrivateKey(key);
    }
}
