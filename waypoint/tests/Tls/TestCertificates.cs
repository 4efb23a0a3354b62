using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Waypoint.Proxy.Tests.Tls;

/// <summary>A certificate authority made for one test, with an intermediate.</summary>
internal sealed class TestCertificates
{
    private readonly ECDsa _signerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestCertificates(string name = "test root")
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Root = Authority(name, rootKey).CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-3), DateTimeOffset.UtcNow.AddYears(3));
        Intermediate = Authority(name + " intermediate", _signerKey)
            .Create(Root, DateTimeOffset.UtcNow.AddYears(-2), DateTimeOffset.UtcNow.AddYears(2), RandomNumberGenerator.GetBytes(16));
    }

    public X509Certificate2 Root { get; }

    public X509Certificate2 Intermediate { get; }

    /// <summary>A certificate for these names: DNS names, addresses, or URIs.</summary>
    public X509Certificate2 Issue(string[] names, bool isExpired = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=leaf", key, HashAlgorithmName.SHA256);
        var subjects = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
            {
                subjects.AddIpAddress(address);
            }
            else if (name.Contains("://", StringComparison.Ordinal))
            {
                subjects.AddUri(new Uri(name));
            }
            else
            {
                subjects.AddDnsName(name);
            }
        }

        request.CertificateExtensions.Add(subjects.Build());
        var from = DateTimeOffset.UtcNow.AddDays(isExpired ? -20 : -1);
        using var certificate = request.Create(
            Intermediate.SubjectName, X509SignatureGenerator.CreateForECDsa(_signerKey), from, from.AddDays(10), RandomNumberGenerator.GetBytes(16));
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>The certificate and the intermediate, and the key.</summary>
    public (string Chain, string Key) Pem(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return (certificate.ExportCertificatePem() + "\n" + Intermediate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request;
    }
}
