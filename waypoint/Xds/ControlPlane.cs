using System.Security.Cryptography.X509Certificates;
using Waypoint.Proxy.Hosting;
using Waypoint.Xds.Delta.Client;
using Waypoint.Xds.Grpc;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Xds;

/// <summary>How the control plane is reached: plainly on port 15010, on any other over TLS with the pod's token (istiod's contract).</summary>
internal static class ControlPlane
{
    private const int PlainPort = 15010;
    private const string TokenFile = "/var/run/secrets/tokens/istio-token";
    private static readonly RootsFile RootsFile = new("/var/run/secrets/istio/root-cert.pem");

    // A mesh of ten thousand services is one listener of tens of megabytes (istiod's own limit is 200).
    private const int LongestMessage = 200 * 1024 * 1024;

    /// <exception cref="FormatException">The discovery address is not HOST:PORT.</exception>
    public static DeltaAdsClientOptions For(PodEnvironment pod)
    {
        var discovery = pod.ProxyConfig.DiscoveryAddress;
        var address = Parse(discovery, "PROXY_CONFIG discoveryAddress");
        var plain = address.Port == PlainPort;
        return new DeltaAdsClientOptions
        {
            Address = plain ? new Uri($"http://{discovery}") : address,
            Node = NodeIdentity.Of(pod),
            Channel = new GrpcChannelOptions
            {
                MaximumReceiveLength = LongestMessage,
                BearerToken = plain ? null : ReadTokenAsync,
                Tls = plain ? null : new GrpcTls { Roots = Roots },
            },
        };
    }

    /// <summary>The certificate authority of CA_ADDR, which trusts the same token.</summary>
    /// <exception cref="FormatException">CA_ADDR is not HOST:PORT.</exception>
    public static CertificateAuthorityOptions Authority(PodEnvironment pod) => new()
    {
        Address = Parse(pod.CaAddress ?? throw new InvalidOperationException("There is no certificate authority."), "CA_ADDR"),
        Id = new SpiffeId(pod.TrustDomain, pod.Namespace, pod.ServiceAccount),
        ClusterId = pod.ClusterId,
        Lifetime = pod.CertificateLifetime,
        Channel = new GrpcChannelOptions { BearerToken = ReadTokenAsync, Tls = new GrpcTls { Roots = Roots } },
    };

    /// <summary>The mesh's roots; asked at each connection, as the file is replaced while the pod runs.</summary>
    public static X509Certificate2Collection Roots() => RootsFile.Current;

    private static async ValueTask<string?> ReadTokenAsync(CancellationToken cancellation) => await File.ReadAllTextAsync(TokenFile, cancellation);

    private static Uri Parse(string text, string name) =>
        Uri.TryCreate($"https://{text}", UriKind.Absolute, out var address) && address.Authority == text && !address.IsDefaultPort
            ? address
            : throw new FormatException($"{name}: '{text}' is not HOST:PORT");
}
