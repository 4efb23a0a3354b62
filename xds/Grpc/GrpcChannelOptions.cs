using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Waypoint.Xds.Grpc;

/// <summary>How a channel reaches its server.</summary>
public sealed record GrpcChannelOptions
{
    /// <summary>The longest message that is taken, in bytes; a longer one ends its call with RESOURCE_EXHAUSTED.</summary>
    public int MaximumReceiveLength { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// How long TCP and TLS may take. While istiod restarts, its service still leads to the old pod's address, where nobody answers: with 10 s a
    /// waypoint learnt nothing for 10 s after istiod was back (measured). 3 s leave room for a SYN that is sent again after 1 s.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>A connection with calls under way that is silent for so long is pinged. Go's servers close connections that ping more often than
    /// their policy allows (istiod: 15 s).</summary>
    public TimeSpan KeepAliveDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A ping without an answer for so long ends the connection.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Asked at each call, since tokens rotate; its answer goes out as "authorization: Bearer". Null leaves the header out.</summary>
    public Func<CancellationToken, ValueTask<string?>>? BearerToken { get; init; }

    /// <summary>Opens the connection to the address's host and port, before TLS; null asks DNS and connects to what that answers.</summary>
    public Func<DnsEndPoint, CancellationToken, ValueTask<Stream>>? Connect { get; init; }

    /// <summary>Needed for an https address; ignored for an http one.</summary>
    public GrpcTls? Tls { get; init; }

    /// <summary>The request's :authority; null means TLS's server name, or the address's host.</summary>
    public string? Authority { get; init; }

    public string UserAgent { get; init; } = "grpc-waypoint";
}

/// <summary>What a TLS channel asks of its server, and shows of itself.</summary>
public sealed record GrpcTls
{
    /// <summary>The trusted roots, asked at each connection, since they rotate. Null means the system's.</summary>
    public Func<X509Certificate2Collection>? Roots { get; init; }

    /// <summary>The name that is asked for (SNI) and that the certificate must carry, and the request's :authority; null means the address's host.</summary>
    public string? ServerName { get; init; }

    /// <summary>The own certificate, asked at each connection; null shows none.</summary>
    public Func<X509Certificate2?>? Certificate { get; init; }

    internal SslClientAuthenticationOptions ToClientOptions() => new()
    {
        RemoteCertificateValidationCallback = Roots is null ? null : (_, certificate, chain, errors) => Trusts(certificate, chain, errors),
        LocalCertificateSelectionCallback = Certificate is null ? null : (_, _, _, _, _) => Certificate()!,
    };

    private bool Trusts(X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 leaf || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.AddRange(Roots!());
        if (presented is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(new X509Certificate2Collection(presented.ChainElements.Select(e => e.Certificate).ToArray()));
        }

        return chain.Build(leaf);
    }
}
