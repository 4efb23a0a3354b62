using System.Security.Cryptography.X509Certificates;

namespace Waypoint.Proxy.Tls;

/// <summary>Certificates at which a chain may end; those of the system when none are given.</summary>
internal sealed record TrustedRoots(X509Certificate2Collection? Certificates)
{
    public static TrustedRoots System { get; } = new((X509Certificate2Collection?)null);

    /// <exception cref="System.Security.Cryptography.CryptographicException">It is no PEM, or has no certificate.</exception>
    public static TrustedRoots FromPem(string pem)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(pem);
        return certificates.Count > 0
            ? new TrustedRoots(certificates)
            : throw new global::System.Security.Cryptography.CryptographicException("there is no certificate in it");
    }

    public bool Contains(X509Certificate2 certificate) => Certificates?.Contains(certificate) is true;
}
