using System.Security.Cryptography.X509Certificates;

namespace Waypoint.Xds.Identity;

/// <summary>
/// Decides whether a peer is a workload of the mesh: its chain ends at a trusted root, everything in it is in time, and its SPIFFE id is of our
/// trust domain or an alias. Host names play no part.
/// </summary>
public sealed class PeerVerifier(WorkloadIdentity identity)
{
    // A wrong signature is the mark of a root of the same name as ours: istiod's self-made ones are all called alike.
    private const X509ChainStatusFlags NoAuthority =
        X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.NotSignatureValid;

    /// <summary>The rules by which <see cref="System.Net.Security.SslStream"/> is to build the chain that <see cref="Verify"/> judges. Made anew for each handshake, as the roots rotate.</summary>
    public X509ChainPolicy ChainPolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(identity.Roots);
        return policy;
    }

    /// <param name="certificate">What the peer showed; null when it showed nothing.</param>
    /// <param name="chain">Built by <see cref="ChainPolicy"/>.</param>
    /// <param name="expected">Who the peer must be; null when any workload of the mesh will do.</param>
    public PeerVerdict Verify(X509Certificate? certificate, X509Chain? chain, IReadOnlyCollection<SpiffeId>? expected = null)
    {
        if (certificate is not X509Certificate2 leaf || chain is null)
        {
            return new PeerVerdict(PeerRefusal.NoCertificate, null);
        }

        SpiffeId.TryRead(leaf, out var id);
        var refusal = JudgeChain(chain);
        if (refusal == PeerRefusal.None)
        {
            refusal = JudgeId(id, expected);
        }

        return new PeerVerdict(refusal, id);
    }

    private static PeerRefusal JudgeChain(X509Chain chain)
    {
        // What could not be built at all has no status either.
        var flags = chain.ChainElements.Count > 0 ? X509ChainStatusFlags.NoError : X509ChainStatusFlags.PartialChain;
        foreach (var status in chain.ChainStatus)
        {
            flags |= status.Status;
        }

        if ((flags & NoAuthority) != 0)
        {
            return PeerRefusal.UnknownAuthority;
        }

        if ((flags & ~X509ChainStatusFlags.NotTimeValid) != 0)
        {
            return PeerRefusal.BadCertificate;
        }

        if (flags == X509ChainStatusFlags.NoError)
        {
            return PeerRefusal.None;
        }

        var now = DateTime.Now;
        return chain.ChainElements.Any(element => element.Certificate.NotBefore > now) ? PeerRefusal.NotYetValid : PeerRefusal.Expired;
    }

    private PeerRefusal JudgeId(SpiffeId? id, IReadOnlyCollection<SpiffeId>? expected)
    {
        if (id is null)
        {
            return PeerRefusal.NoSpiffeId;
        }

        if (!identity.TrustDomains.Contains(id.TrustDomain))
        {
            return PeerRefusal.WrongTrustDomain;
        }

        return expected is null || expected.Any(one => IsSame(one, id)) ? PeerRefusal.None : PeerRefusal.UnexpectedIdentity;
    }

    // Aliases are names of one trust domain, and it was checked already.
    private bool IsSame(SpiffeId one, SpiffeId other) =>
        one.Namespace == other.Namespace
        && one.ServiceAccount == other.ServiceAccount
        && (one.TrustDomain == other.TrustDomain || identity.TrustDomains.Contains(one.TrustDomain));
}
