using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Hosting;

namespace Waypoint.Proxy.Xds;

/// <summary>Who asks: the node that istiod knows a waypoint by. It decides by the labels and addresses which services it sends.</summary>
internal static class NodeIdentity
{
    // istiod sends a proxy what its version understands.
    private const string IstioVersion = "1.31.0";

    public static Node Of(PodEnvironment pod)
    {
        var labels = new Struct();
        foreach (var (name, value) in pod.Labels)
        {
            labels.Fields[name] = Value.ForString(value);
        }

        var metadata = new Struct
        {
            Fields =
            {
                ["NAME"] = Value.ForString(pod.PodName),
                ["NAMESPACE"] = Value.ForString(pod.Namespace),
                ["SERVICE_ACCOUNT"] = Value.ForString(pod.ServiceAccount),
                ["INSTANCE_IPS"] = Value.ForString(pod.InstanceIp),
                ["CLUSTER_ID"] = Value.ForString(pod.ClusterId),
                ["ISTIO_VERSION"] = Value.ForString(IstioVersion),
                ["LABELS"] = Value.ForStruct(labels),
            },
        };
        AddIfKnown(metadata, "NODE_NAME", pod.NodeName);
        AddIfKnown(metadata, "NETWORK", pod.Network);
        return new Node
        {
            Id = pod.NodeId,
            Cluster = $"{pod.ServiceAccount}.{pod.Namespace}",
            Metadata = metadata,
            UserAgentName = "waypoint",
        };
    }

    private static void AddIfKnown(Struct metadata, string name, string value)
    {
        if (value.Length > 0)
        {
            metadata.Fields[name] = Value.ForString(value);
        }
    }
}
