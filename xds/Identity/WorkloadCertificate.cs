using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Waypoint.Xds.Identity;

/// <summary>A certificate with its key and what a peer needs to verify it. Immutable; connections keep the one that they began with.</summary>
public sealed class WorkloadCertificate
{
    /// <param name="leaf">With its private key.</param>
    /// <param name="chain">What the authority sent above the leaf, roots included.</param>
    /// <exception cref="CryptographicException">The leaf carries no SPIFFE id.</exception>
    public WorkloadCertificate(X509Certificate2 leaf, X509Certificate2Collection chain)
    {
        Id = SpiffeId.TryRead(leaf, out var id) ? id : throw new CryptographicException("the certificate carries no SPIFFE id");
        Leaf = leaf;
        Roots = [.. chain.Where(IsRoot)];
        Context = SslStreamCertificateContext.Create(leaf, [.. chain.Where(certificate => !IsRoot(certificate))], offline: true);
    }

    public SpiffeId Id { get; }

    public X509Certificate2 Leaf { get; }

    /// <summary>The roots that the authority sent along: it may already sign with one that the CA root file does not hold yet.</summary>
    public X509Certificate2Collection Roots { get; }

    /// <summary>The certificate as a TLS peer shows it, intermediates included; made once, as making it builds a chain.</summary>
    public SslStreamCertificateContext Context { get; }

    public DateTimeOffset NotAfter => Leaf.NotAfter;

    public bool IsValid => Leaf.NotAfter > DateTime.Now;

    private static bool IsRoot(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
}
