using System.Security.Cryptography.X509Certificates;
using Waypoint.Proxy.Hosting;
using Waypoint.Xds.Delta.Client;
using Waypoint.Xds.Grpc;

namespace Waypoint.Proxy.Xds;

/// <summary>How the control plane is reached: plainly on port 15010, on any other over TLS with the pod's token (istiod's contract).</summary>
internal static class ControlPlane
{
    private const int PlainPort = 15010;
    private const string TokenFile = "/var/run/secrets/tokens/istio-token";
    private const string RootsFile = "/var/run/secrets/istio/root-cert.pem";

    // A mesh of ten thousand services is one listener of tens of megabytes (istiod's own limit is 200).
    private const int LongestMessage = 200 * 1024 * 1024;

    /// <exception cref="FormatException">The discovery address is not HOST:PORT.</exception>
    public static DeltaAdsClientOptions For(PodEnvironment pod)
    {
        var discovery = pod.ProxyConfig.DiscoveryAddress;
        if (!Uri.TryCreate($"https://{discovery}", UriKind.Absolute, out var address) || address.Authority != discovery || address.IsDefaultPort)
        {
            throw new FormatException($"PROXY_CONFIG discoveryAddress: '{discovery}' is not HOST:PORT");
        }

        var plain = address.Port == PlainPort;
        return new DeltaAdsClientOptions
        {
            Address = plain ? new Uri($"http://{discovery}") : address,
            Node = NodeIdentity.Of(pod),
            Channel = new GrpcChannelOptions
            {
                MaximumReceiveLength = LongestMessage,
                BearerToken = plain ? null : async cancellation => await File.ReadAllTextAsync(TokenFile, cancellation),
                Tls = plain ? null : new GrpcTls { Roots = Roots },
            },
        };
    }

    // Read at each connection, as the files are replaced while the pod runs.
    private static X509Certificate2Collection Roots()
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(RootsFile);
        return roots;
    }
}
