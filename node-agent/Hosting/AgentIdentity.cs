using System.Reflection;
using Google.Protobuf.WellKnownTypes;
using Node = Waypoint.NodeAgent.Workloads.Node;

namespace Waypoint.NodeAgent.Hosting;

/// <summary>Who the agent is to the control plane. The namespace and the service account must be those of the token that it shows.</summary>
internal sealed record AgentIdentity(string Name, string Namespace, string ServiceAccount, string InstanceIp)
{
    // istiod sends a client what its version understands: weighted waypoints and versions that survive a reconnect need 1.31.
    private const string IstioVersion = "1.31.0";

    public static AgentIdentity Read(Func<string, string?> variable, Node node) => new(
        variable("POD_NAME") ?? $"waypoint-node-agent-{node.Name}",
        variable("POD_NAMESPACE") ?? "waypoint-system",
        variable("SERVICE_ACCOUNT") ?? "",
        variable("INSTANCE_IP") ?? "127.0.0.1");

    /// <summary>Istio's control plane serves workloads to what calls itself a ztunnel, and reads the rest from the metadata.</summary>
    public Envoy.Config.Core.V3.Node ToNode(Node node)
    {
        var result = new Envoy.Config.Core.V3.Node
        {
            Id = $"ztunnel~{InstanceIp}~{Name}.{Namespace}~{Namespace}.svc.cluster.local",
            UserAgentName = "waypoint-node-agent",
            UserAgentVersion = Assembly.GetExecutingAssembly().GetName().Version!.ToString(3),
            Metadata = new Struct
            {
                Fields =
                {
                    ["NAME"] = Value.ForString(Name),
                    ["NAMESPACE"] = Value.ForString(Namespace),
                    ["INSTANCE_IPS"] = Value.ForString(InstanceIp),
                    ["NODE_NAME"] = Value.ForString(node.Name),
                    ["CLUSTER_ID"] = Value.ForString(node.ClusterId),
                    ["NETWORK"] = Value.ForString(node.Network),
                    ["ISTIO_VERSION"] = Value.ForString(IstioVersion),
                },
            },
        };

        // Empty would be an identity that no token has.
        if (ServiceAccount.Length > 0)
        {
            result.Metadata.Fields["SERVICE_ACCOUNT"] = Value.ForString(ServiceAccount);
        }

        return result;
    }
}
