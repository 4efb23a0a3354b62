using System.Net.Security;
using System.Security.Cryptography;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Waypoint.Proxy.Tls;
using Secret = Waypoint.Proxy.Tls.Secret;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Certificates and keys, from SDS or inline.</summary>
internal static class SecretTranslator
{
    /// <exception cref="ResourceException">It cannot be used.</exception>
    public static Secret Translate(Envoy.Extensions.TransportSockets.Tls.V3.Secret secret, TranslationScope scope) => secret.TypeCase switch
    {
        Envoy.Extensions.TransportSockets.Tls.V3.Secret.TypeOneofCase.TlsCertificate => new Secret(null, Identity(secret.TlsCertificate, scope)),
        Envoy.Extensions.TransportSockets.Tls.V3.Secret.TypeOneofCase.ValidationContext => new Secret(Roots(secret.ValidationContext, scope), null),
        _ => throw scope.Invalid("type", "neither a certificate nor a validation context"),
    };

    private static TrustedRoots Roots(CertificateValidationContext context, TranslationScope scope)
    {
        if (context.Crl is not null)
        {
            // Who was revoked would be believed.
            throw scope.Invalid("crl", "not supported");
        }

        return context.VerifyCertificateHash.Count + context.VerifyCertificateSpki.Count + context.MatchTypedSubjectAltNames.Count + context.MatchSubjectAltNames.Count == 0
            ? Roots(context.TrustedCa, scope)
            : throw scope.Invalid("validation_context", "only a trusted_ca is supported");
    }

    public static TrustedRoots Roots(DataSource? source, TranslationScope scope) =>
        Read("trusted_ca", scope, () => TrustedRoots.FromPem(Inline(source, scope, "trusted_ca")));

    public static SslStreamCertificateContext Identity(TlsCertificate certificate, TranslationScope scope) =>
        Read(
            "tls_certificate",
            scope,
            () => CertificatePair.FromPem(Inline(certificate.CertificateChain, scope, "certificate_chain"), Inline(certificate.PrivateKey, scope, "private_key")));

    private static string Inline(DataSource? source, TranslationScope scope, string field) => source?.SpecifierCase switch
    {
        DataSource.SpecifierOneofCase.InlineBytes => source.InlineBytes.ToStringUtf8(),
        DataSource.SpecifierOneofCase.InlineString => source.InlineString,
        _ => throw scope.Invalid(field, "neither inline bytes nor an inline string"),
    };

    private static T Read<T>(string field, TranslationScope scope, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw scope.Invalid(field, e.Message, e);
        }
    }
}
