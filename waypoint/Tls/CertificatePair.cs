using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Waypoint.Proxy.Tls;

/// <summary>A certificate with its key.</summary>
internal static class CertificatePair
{
    /// <param name="chain">The certificate, and those between it and its root after it, as PEM.</param>
    /// <param name="key">Its private key as PEM.</param>
    /// <exception cref="System.Security.Cryptography.CryptographicException">They are no PEM, or do not belong together.</exception>
    /// <exception cref="ArgumentException">They do not belong together.</exception>
    public static SslStreamCertificateContext FromPem(string chain, string key)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(chain);
        var own = X509Certificate2.CreateFromPem(chain, key);
        return SslStreamCertificateContext.Create(own, [.. certificates.Skip(1)], offline: true);
    }
}
