using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Waypoint.Proxy.Tls;

/// <summary>The client's side of TLS towards an endpoint.</summary>
internal static class TlsHandshake
{
    /// <summary>Encrypts a connection.</summary>
    /// <param name="connection">Closed when the handshake fails.</param>
    /// <param name="tls">How.</param>
    /// <param name="host">The request's authority without its port; null when there is none.</param>
    /// <param name="alpn">What is offered; empty offers nothing.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="TlsFailureException">It failed.</exception>
    public static async Task<SslStream> ConnectAsync(
        Stream connection, UpstreamTls tls, string? host, IEnumerable<string> alpn, CancellationToken cancellationToken)
    {
        var roots = tls.Roots?.Invoke();
        var identity = tls.Identity?.Invoke();
        var stream = new SslStream(connection, leaveInnerStreamOpen: false);
        try
        {
            if ((tls.Roots is not null && roots is null) || (tls.Identity is not null && identity is null))
            {
                throw TlsFailureException.MissingSecret();
            }

            string? refusal = null;
            var name = tls.ServerNameFollowsHost ? host : tls.ServerName;
            SslApplicationProtocol[] protocols = [.. alpn.Select(protocol => new SslApplicationProtocol(protocol))];
            try
            {
                await stream.AuthenticateAsClientAsync(
                    new SslClientAuthenticationOptions
                    {
                        // An address is no server name (RFC 6066 section 3).
                        TargetHost = name is null || IPAddress.TryParse(name, out _) ? "" : name,
                        EnabledSslProtocols = tls.Versions,
                        ApplicationProtocols = protocols.Length > 0 ? [.. protocols] : null,
                        ClientCertificateContext = identity,
                        CertificateChainPolicy = Policy(roots, tls),
                        RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                            (refusal = Judge(certificate as X509Certificate2, chain, roots, tls, host)) is null,
                    },
                    cancellationToken).ConfigureAwait(false);
            }
            catch (AuthenticationException) when (refusal is not null)
            {
                throw TlsFailureException.Verification(refusal);
            }
            catch (Exception e) when (e is AuthenticationException or IOException)
            {
                throw TlsFailureException.Of(e);
            }

            return stream;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static X509ChainPolicy Policy(TrustedRoots? roots, UpstreamTls tls)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (roots?.Certificates is { } trusted)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(trusted);
        }

        if (tls.AllowsExpired)
        {
            policy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        }

        return policy;
    }

    /// <summary>Why the peer is not believed, in Envoy's words; null when it is.</summary>
    private static string? Judge(X509Certificate2? leaf, X509Chain? chain, TrustedRoots? roots, UpstreamTls tls, string? host)
    {
        if (roots is null)
        {
            return null;
        }

        if (leaf is null || chain is null or { ChainElements.Count: 0 })
        {
            return "peer did not return a certificate";
        }

        if (ChainFault(chain, roots, tls.AllowsExpired) is { } fault)
        {
            return fault;
        }

        if (tls.SubjectNames.Count == 0 && !tls.VerifiesHost)
        {
            return null;
        }

        var names = SubjectName.Of(leaf);
        var isNamed = tls.SubjectNames.Count == 0 || names.Any(name => tls.SubjectNames.Any(match => match.Matches(name)));
        var isHost = !tls.VerifiesHost || (host is not null && names.Any(name => name.Covers(host)));
        return isNamed && isHost ? null : $"SAN matcher, certificate SANs are [{string.Join(", ", names.Select(name => name.Value))}]";
    }

    private static string? ChainFault(X509Chain chain, TrustedRoots roots, bool allowsExpired)
    {
        for (var depth = 0; depth < chain.ChainElements.Count; depth++)
        {
            var element = chain.ChainElements[depth];
            foreach (var status in element.ChainElementStatus)
            {
                // Whatever is trusted by itself ends a chain, whether it is a root or comes from one.
                var isAnchored = status.Status is X509ChainStatusFlags.PartialChain or X509ChainStatusFlags.UntrustedRoot && roots.Contains(element.Certificate);
                if (!isAnchored && !(allowsExpired && status.Status == X509ChainStatusFlags.NotTimeValid))
                {
                    return $"X509_verify_cert: certificate verification error at depth {depth}: {Words(status, element.Certificate)}";
                }
            }
        }

        return null;
    }

    private static string Words(X509ChainStatus status, X509Certificate2 certificate) => status.Status switch
    {
        X509ChainStatusFlags.PartialChain => "unable to get local issuer certificate",
        X509ChainStatusFlags.UntrustedRoot => "self-signed certificate in certificate chain",
        X509ChainStatusFlags.NotSignatureValid => "certificate signature failure",
        X509ChainStatusFlags.NotTimeValid => certificate.NotAfter < DateTime.Now ? "certificate has expired" : "certificate is not yet valid",
        X509ChainStatusFlags.NotValidForUsage => "unsuitable certificate purpose",
        _ => status.StatusInformation,
    };
}
