using System.Security.Cryptography.X509Certificates;
using Waypoint.NodeAgent.ClusterServices;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.Xds.Delta.Client;
using Waypoint.Xds.Grpc;

namespace Waypoint.NodeAgent.Hosting;

/// <summary>
/// The stream to the control plane, for as long as the agent runs. When the control plane is gone the maps stay as they are; when it is
/// back it is told what is known and sends the rest.
/// </summary>
internal sealed class ControlPlaneSession(AgentOptions options, Reconciler reconciler, ILoggerFactory loggers, ServiceDialer? dialer = null) : BackgroundService
{
    private const int PlainPort = 15010;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DeltaAdsClientOptions clientOptions = ClientOptions(options);
        using var client = new DeltaAdsClient(
            clientOptions with { Channel = clientOptions.Channel with { Connect = dialer is null ? null : dialer.ConnectAsync } },
            loggers.CreateLogger<DeltaAdsClient>());
        client.SubscribeAll(new AddressHandler(reconciler));
        await client.RunAsync(stoppingToken).ConfigureAwait(false);
    }

    internal static DeltaAdsClientOptions ClientOptions(AgentOptions options)
    {
        bool plain = options.XdsAddress.Port == PlainPort;
        var client = new DeltaAdsClientOptions
        {
            Address = new UriBuilder(plain ? Uri.UriSchemeHttp : Uri.UriSchemeHttps, options.XdsAddress.Host, options.XdsAddress.Port).Uri,
            Node = options.Identity.ToNode(options.Node),
        };

        // The token of the agent's own service account is all that istiod asks for. The agent has no certificate and needs none: it ends
        // no TLS of the mesh, so there is nobody to show one to, and nothing that it would have to ask istiod to impersonate a pod for.
        return plain
            ? client
            : client with
            {
                // Of several clusters' API servers, the one that can tell whose token it is.
                Headers = new GrpcMetadata { { "clusterid", options.Node.ClusterId } },
                Channel = client.Channel with
                {
                    BearerToken = async cancellation => (await File.ReadAllTextAsync(options.XdsToken, cancellation).ConfigureAwait(false)).Trim(),
                    Tls = new GrpcTls { Roots = () => ReadRoots(options.XdsRootCa) },
                },
            };
    }

    private static X509Certificate2Collection ReadRoots(string path)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(path);
        return roots;
    }
}
