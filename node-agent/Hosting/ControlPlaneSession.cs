using System.Reflection;
using Google.Protobuf.WellKnownTypes;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.Xds.Delta.Client;

namespace Waypoint.NodeAgent.Hosting;

/// <summary>
/// The stream to the control plane, for as long as the agent runs. When the control plane is gone the maps stay as they are; when it is
/// back it is told what is known and sends the rest.
/// </summary>
internal sealed class ControlPlaneSession(AgentOptions options, Reconciler reconciler, ILoggerFactory loggers) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var client = new DeltaAdsClient(
            new DeltaAdsClientOptions
            {
                Address = new UriBuilder(Uri.UriSchemeHttp, options.XdsAddress.Host, options.XdsAddress.Port).Uri,
                Node = IdentifyAs(options),
            },
            loggers.CreateLogger<DeltaAdsClient>());
        client.SubscribeAll(new AddressHandler(reconciler));
        await client.RunAsync(stoppingToken).ConfigureAwait(false);
    }

    /// <summary>Istio's control plane serves workloads to what calls itself a ztunnel, and reads the rest from the metadata.</summary>
    private static Envoy.Config.Core.V3.Node IdentifyAs(AgentOptions options)
    {
        string name = Environment.GetEnvironmentVariable("POD_NAME") ?? $"waypoint-node-agent-{options.Node.Name}";
        string @namespace = Environment.GetEnvironmentVariable("POD_NAMESPACE") ?? "waypoint-system";
        string address = Environment.GetEnvironmentVariable("INSTANCE_IP") ?? "127.0.0.1";
        string version = Assembly.GetExecutingAssembly().GetName().Version!.ToString(3);
        return new Envoy.Config.Core.V3.Node
        {
            Id = $"ztunnel~{address}~{name}.{@namespace}~{@namespace}.svc.cluster.local",
            UserAgentName = "waypoint-node-agent",
            UserAgentVersion = version,
            Metadata = new Struct
            {
                Fields =
                {
                    ["NAME"] = Value.ForString(name),
                    ["NAMESPACE"] = Value.ForString(@namespace),
                    ["INSTANCE_IPS"] = Value.ForString(address),
                    ["NODE_NAME"] = Value.ForString(options.Node.Name),
                    ["CLUSTER_ID"] = Value.ForString(options.Node.ClusterId),
                    ["NETWORK"] = Value.ForString(options.Node.Network),
                    ["SERVICE_ACCOUNT"] = Value.ForString(Environment.GetEnvironmentVariable("SERVICE_ACCOUNT") ?? ""),
                },
            },
        };
    }
}
