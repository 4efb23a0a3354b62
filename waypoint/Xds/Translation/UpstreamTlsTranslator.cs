using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Waypoint.Proxy.Tls;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>
/// TLS towards endpoints. What istiod names <c>file-root:</c> and <c>file-cert:</c> are files that the user put into the pod (Envoy has them read by Istio's agent); what comes by
/// ADS is asked for by its name.
/// </summary>
internal sealed class UpstreamTlsTranslator(SecretStore secrets)
{
    private const string RootFile = "file-root:";
    private const string CertificateFiles = "file-cert:";

    /// <param name="context">The configuration.</param>
    /// <param name="options">Of the cluster; they may bind the server's name to the request's.</param>
    /// <param name="scope">Where errors and findings go.</param>
    /// <param name="missing">What is asked for and cannot be done, so that the cluster must not be used; null when all can be.</param>
    /// <exception cref="ResourceException">It cannot be used.</exception>
    public UpstreamTls? Translate(UpstreamTlsContext context, UpstreamHttpProtocolOptions? options, TranslationScope scope, out string? missing)
    {
        using var part = scope.Enter("tls");
        var common = context.CommonTlsContext ?? new CommonTlsContext();
        var names = new List<string>();
        missing = Missing(common, context, options);
        var validation = Validation(common);
        var roots = missing is null ? Roots(common, validation, names, scope, ref missing) : null;
        var identity = missing is null ? Identity(common, names, scope, ref missing) : null;
        if (missing is not null)
        {
            return null;
        }

        scope.UnsupportedIf(common.TlsParams?.CipherSuites.Count > 0, "cipher_suites");
        scope.UnsupportedIf(common.TlsParams?.EcdhCurves.Count > 0, "ecdh_curves");
        return new UpstreamTls
        {
            Key = Key(context, options),
            ServerName = context.Sni is { Length: > 0 } name ? name : null,
            ServerNameFollowsHost = options?.AutoSni is true,
            VerifiesHost = options?.AutoSanValidation is true,
            Versions = Versions(common.TlsParams, scope),
            Alpn = [.. common.AlpnProtocols],
            Roots = roots,
            SubjectNames = [.. SubjectNames(validation, scope)],
            AllowsExpired = validation?.AllowExpiredCertificate ?? false,
            Identity = identity,
            SecretNames = names,
        };
    }

    private static string? Missing(CommonTlsContext common, UpstreamTlsContext context, UpstreamHttpProtocolOptions? options)
    {
        var validation = Validation(common);
        return (validation, context, options) switch
        {
            ({ VerifyCertificateHash.Count: > 0 } or { VerifyCertificateSpki.Count: > 0 }, _, _) => "verify_certificate_hash",
            ({ Crl: not null }, _, _) => "crl",
            (_, { AutoHostSni: true } or { AutoSniSanValidation: true }, _) => "auto_host_sni",
            (_, _, { OverrideAutoSniHeader.Length: > 0 }) => "override_auto_sni_header",
            _ => null,
        };
    }

    private static CertificateValidationContext? Validation(CommonTlsContext common) => common.ValidationContextTypeCase switch
    {
        CommonTlsContext.ValidationContextTypeOneofCase.ValidationContext => common.ValidationContext,
        CommonTlsContext.ValidationContextTypeOneofCase.CombinedValidationContext => common.CombinedValidationContext.DefaultValidationContext,
        _ => null,
    };

    private Func<TrustedRoots?>? Roots(
        CommonTlsContext common, CertificateValidationContext? validation, List<string> names, TranslationScope scope, ref string? missing)
    {
        var sds = common.ValidationContextSdsSecretConfig ?? common.CombinedValidationContext?.ValidationContextSdsSecretConfig;
        if (validation?.TrustChainVerification == CertificateValidationContext.Types.TrustChainVerification.AcceptUntrusted)
        {
            return null;
        }

        if (sds is null)
        {
            return validation?.TrustedCa is { } inline ? Source(inline, scope) : null;
        }

        if (sds.Name == RootFile + "system")
        {
            return () => TrustedRoots.System;
        }

        if (sds.Name.StartsWith(RootFile, StringComparison.Ordinal))
        {
            return File(sds.Name[RootFile.Length..]);
        }

        if (IsByAds(sds, names, ref missing))
        {
            var name = sds.Name;
            return () => secrets.Find(name)?.Roots;
        }

        return null;
    }

    private Func<SslStreamCertificateContext?>? Identity(CommonTlsContext common, List<string> names, TranslationScope scope, ref string? missing)
    {
        if (common.TlsCertificates is [var certificate, ..])
        {
            var paths = (certificate.CertificateChain?.Filename, certificate.PrivateKey?.Filename);
            if (paths is ({ Length: > 0 } chain, { Length: > 0 } key))
            {
                return Files(chain, key);
            }

            var inline = SecretTranslator.Identity(certificate, scope);
            return () => inline;
        }

        if (common.TlsCertificateSdsSecretConfigs is not [var sds, ..])
        {
            return null;
        }

        if (sds.Name.StartsWith(CertificateFiles, StringComparison.Ordinal) && sds.Name[CertificateFiles.Length..].Split('~') is [var chainFile, var keyFile, ..])
        {
            return Files(chainFile, keyFile);
        }

        if (IsByAds(sds, names, ref missing))
        {
            var name = sds.Name;
            return () => secrets.Find(name)?.Identity;
        }

        return null;
    }

    // What is left are the names of the waypoint's own certificate, which HBONE shows and nothing inside it.
    private static bool IsByAds(SdsSecretConfig sds, List<string> names, ref string? missing)
    {
        if (sds.SdsConfig?.Ads is null)
        {
            missing = $"the secret '{sds.Name}'";
            return false;
        }

        names.Add(sds.Name);
        return true;
    }

    private static Func<TrustedRoots?> Source(DataSource source, TranslationScope scope)
    {
        if (source.SpecifierCase == DataSource.SpecifierOneofCase.Filename)
        {
            return File(source.Filename);
        }

        var roots = SecretTranslator.Roots(source, scope);
        return () => roots;
    }

    private static Func<TrustedRoots?> File(string path) =>
        new FileMaterial<TrustedRoots>([path], texts => TrustedRoots.FromPem(texts[0])).Current;

    private static Func<SslStreamCertificateContext?> Files(string chain, string key) =>
        new FileMaterial<SslStreamCertificateContext>([chain, key], texts => CertificatePair.FromPem(texts[0], texts[1])).Current;

    private static IEnumerable<SubjectNameMatch> SubjectNames(CertificateValidationContext? validation, TranslationScope scope)
    {
        foreach (var typed in validation?.MatchTypedSubjectAltNames ?? [])
        {
            SubjectNameKind? kind = typed.SanType switch
            {
                SubjectAltNameMatcher.Types.SanType.Dns => SubjectNameKind.Dns,
                SubjectAltNameMatcher.Types.SanType.Uri => SubjectNameKind.Uri,
                SubjectAltNameMatcher.Types.SanType.Email => SubjectNameKind.Email,
                SubjectAltNameMatcher.Types.SanType.IpAddress => SubjectNameKind.Address,
                _ => throw scope.Invalid("match_typed_subject_alt_names.san_type", $"{typed.SanType} is not supported"),
            };
            yield return new SubjectNameMatch(kind, StringTranslator.Translate(typed.Matcher, scope, "match_typed_subject_alt_names.matcher"));
        }

        foreach (var match in validation?.MatchSubjectAltNames ?? [])
        {
            yield return new SubjectNameMatch(null, StringTranslator.Translate(match, scope, "match_subject_alt_names"));
        }
    }

    [SuppressMessage("Security", "CA5397:Do not use deprecated SslProtocols values", Justification = "The user says which versions a backend speaks.")]
    [SuppressMessage("Security", "CA5398:Avoid hardcoded SslProtocols values", Justification = "The user says which versions a backend speaks.")]
    private static SslProtocols Versions(TlsParameters? parameters, TranslationScope scope)
    {
        var least = Number(parameters?.TlsMinimumProtocolVersion ?? default, 12);
        var most = Number(parameters?.TlsMaximumProtocolVersion ?? default, 13);
        scope.UnsupportedIf(least < 12, "tls_minimum_protocol_version below TLSv1_2 (TLSv1_2 is used)");
        return (Math.Max(least, 12), most) switch
        {
            (12, 12) => SslProtocols.Tls12,
            (12, 13) => SslProtocols.Tls12 | SslProtocols.Tls13,
            (13, 13) => SslProtocols.Tls13,
            _ => throw scope.Invalid("tls_maximum_protocol_version", "below TLSv1_2, or below the minimum"),
        };
    }

    private static int Number(TlsParameters.Types.TlsProtocol version, int otherwise) => version switch
    {
        TlsParameters.Types.TlsProtocol.Tlsv10 => 10,
        TlsParameters.Types.TlsProtocol.Tlsv11 => 11,
        TlsParameters.Types.TlsProtocol.Tlsv12 => 12,
        TlsParameters.Types.TlsProtocol.Tlsv13 => 13,
        _ => otherwise,
    };

    // With a key among the settings, a digest is what may be kept.
    private static string Key(UpstreamTlsContext context, UpstreamHttpProtocolOptions? options) =>
        Convert.ToHexString(SHA256.HashData([.. context.ToByteArray(), 0, .. options?.ToByteArray() ?? []]));
}
