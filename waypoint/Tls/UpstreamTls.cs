using System.Net.Security;
using System.Security.Authentication;

namespace Waypoint.Proxy.Tls;

/// <summary>How connections to a cluster's endpoints are encrypted, and who must be at their other end. What may rotate is asked for at each handshake.</summary>
internal sealed class UpstreamTls
{
    /// <summary>Equal for equal settings, so that a cluster that is sent again keeps its connections.</summary>
    public required string Key { get; init; }

    /// <summary>Sent in the clear to say who is wanted; null sends none.</summary>
    public string? ServerName { get; init; }

    /// <summary>The request's authority, without its port, takes the place of <see cref="ServerName"/>.</summary>
    public bool ServerNameFollowsHost { get; init; }

    /// <summary>The certificate must be for the request's authority.</summary>
    public bool VerifiesHost { get; init; }

    public SslProtocols Versions { get; init; } = SslProtocols.Tls12 | SslProtocols.Tls13;

    public IReadOnlyList<string> Alpn { get; init; } = [];

    /// <summary>Whom the certificate must come from; null when it may come from anybody. It gives null while they are not known: then nobody is believed.</summary>
    public Func<TrustedRoots?>? Roots { get; init; }

    /// <summary>One of them must be in the certificate; empty asks for none.</summary>
    public IReadOnlyList<SubjectNameMatch> SubjectNames { get; init; } = [];

    public bool AllowsExpired { get; init; }

    /// <summary>The certificate to show; null when none is. It gives null while it is not known: then there is no handshake.</summary>
    public Func<SslStreamCertificateContext?>? Identity { get; init; }

    /// <summary>What the control plane is to be asked for by name.</summary>
    public IReadOnlyList<string> SecretNames { get; init; } = [];

    /// <summary>True when requests for different authorities need connections of their own.</summary>
    public bool DependsOnHost => ServerNameFollowsHost || VerifiesHost;
}
