using System.Collections.Concurrent;
using System.Net.Security;

namespace Waypoint.Proxy.Tls;

/// <summary>Roots or a certificate with its key, as the control plane sent them.</summary>
internal sealed record Secret(TrustedRoots? Roots, SslStreamCertificateContext? Identity);

/// <summary>The secrets in force, by name. Handshakes read it while the control plane changes it.</summary>
internal sealed class SecretStore
{
    private readonly ConcurrentDictionary<string, Secret> _secrets = new(StringComparer.Ordinal);

    public Secret? Find(string name) => _secrets.GetValueOrDefault(name);

    public void Set(string name, Secret secret) => _secrets[name] = secret;

    public void Remove(string name) => _secrets.TryRemove(name, out _);
}
