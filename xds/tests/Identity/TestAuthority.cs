using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Waypoint.Xds.Identity;

namespace Waypoint.Xds.Tests.Identity;

/// <summary>A certificate authority made for one test: a root, an intermediate below it, and whatever leaves the test asks for.</summary>
internal sealed class TestAuthority
{
    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    private readonly X509Certificate2 _signer;
    private readonly ECDsa _signerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestAuthority()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (from, to) = (DateTimeOffset.UtcNow.AddYears(-2), DateTimeOffset.UtcNow.AddYears(2));
        Root = Authority("Test root", rootKey).CreateSelfSigned(from, to);
        var signer = Authority("Test intermediate", _signerKey);
        signer.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Root, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        _signer = signer.Create(Root, from, to, Serial());
    }

    public X509Certificate2 Root { get; }

    public string RootPem => Root.ExportCertificatePem();

    public X509Certificate2 Intermediate => _signer;

    /// <summary>A leaf with its key, which <see cref="WorkloadIdentity"/> can show.</summary>
    /// <param name="uri">The URI in its subject's alternative name; null for none.</param>
    public X509Certificate2 Issue(string? uri, TimeSpan? lifetime = null, DateTimeOffset? notBefore = null, ECDsa? key = null)
    {
        var own = key ?? ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var leaf = Sign(new CertificateRequest(new X500DistinguishedName(""), own, HashAlgorithmName.SHA256), uri is null ? [] : [uri], lifetime, notBefore);
        return leaf.CopyWithPrivateKey(own);
    }

    /// <summary>Signs a request: its key, and these URIs whatever it asks for.</summary>
    public X509Certificate2 Sign(CertificateRequest request, IEnumerable<string> uris, TimeSpan? lifetime = null, DateTimeOffset? notBefore = null)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("workload.test");
        foreach (var uri in uris)
        {
            names.AddUri(new Uri(uri));
        }

        request.CertificateExtensions.Clear();
        request.CertificateExtensions.Add(names.Build(critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([ServerAuthentication, ClientAuthentication], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_signer, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var end = DateTimeOffset.UtcNow + (lifetime ?? TimeSpan.FromHours(1));
        return request.Create(
            _signer.SubjectName, X509SignatureGenerator.CreateForECDsa(_signerKey), notBefore ?? DateTimeOffset.UtcNow.AddMinutes(-2), end, Serial());
    }

    /// <summary>A certificate in force for a workload of this authority.</summary>
    public WorkloadCertificate Certificate(string uri, TimeSpan? lifetime = null) => new(Issue(uri, lifetime), [_signer, Root]);

    /// <summary>An identity that trusts this authority and is <paramref name="uri"/>.</summary>
    public WorkloadIdentity Identity(string uri)
    {
        var identity = new WorkloadIdentity(() => [Root]);
        identity.Publish(Certificate(uri));
        return identity;
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request;
    }

    private static byte[] Serial() => RandomNumberGenerator.GetBytes(16);
}
