using System.Collections.Frozen;
using System.Security.Cryptography.X509Certificates;

namespace Waypoint.Xds.Identity;

/// <summary>
/// Who this program is to its peers, and whom it trusts: the certificate in force, the roots, the trust domains. A handshake reads each once;
/// a rotation is one volatile write, and what is connected stays connected.
/// </summary>
public sealed class WorkloadIdentity(Func<X509Certificate2Collection> roots)
{
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile WorkloadCertificate? _current;
    private volatile FrozenSet<string> _trustDomains = FrozenSet<string>.Empty;
    private volatile FrozenSet<string> _aliases = FrozenSet<string>.Empty;

    /// <summary>Null before the first one was issued. An expired one stays until it is replaced: its peers say what is wrong with it.</summary>
    public WorkloadCertificate? Current => _current;

    /// <summary>Completes with the first certificate.</summary>
    public Task Issued => _first.Task;

    /// <summary>The roots of the file and those that came with the certificate.</summary>
    public X509Certificate2Collection Roots
    {
        get
        {
            var all = new X509Certificate2Collection(roots());
            foreach (var root in _current?.Roots ?? [])
            {
                if (!all.Contains(root))
                {
                    all.Add(root);
                }
            }

            return all;
        }
    }

    /// <summary>The trust domain of our own certificate and its aliases, in lower case.</summary>
    public IReadOnlySet<string> TrustDomains => _trustDomains;

    /// <summary>Puts a certificate in force.</summary>
    public void Publish(WorkloadCertificate certificate)
    {
        _current = certificate;
        UpdateTrustDomains();
        _first.TrySetResult();
    }

    /// <summary>Says which other names the trust domain has.</summary>
    public void SetAliases(IEnumerable<string> aliases)
    {
        _aliases = aliases.Select(alias => alias.ToLowerInvariant()).ToFrozenSet(StringComparer.Ordinal);
        UpdateTrustDomains();
    }

    private void UpdateTrustDomains()
    {
        lock (_first)
        {
            _trustDomains = _current is { } certificate
                ? _aliases.Append(certificate.Id.TrustDomain).ToFrozenSet(StringComparer.Ordinal)
                : FrozenSet<string>.Empty;
        }
    }
}
