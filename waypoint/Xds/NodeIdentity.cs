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
        var metadata = Strings(pod.Metadata);
        metadata.Fields["NAME"] = Value.ForString(pod.PodName);
        metadata.Fields["NAMESPACE"] = Value.ForString(pod.Namespace);
        metadata.Fields["SERVICE_ACCOUNT"] = Value.ForString(pod.ServiceAccount);
        metadata.Fields["INSTANCE_IPS"] = Value.ForString(pod.InstanceIp);
        metadata.Fields["CLUSTER_ID"] = Value.ForString(pod.ClusterId);
        metadata.Fields["ISTIO_VERSION"] = Value.ForString(IstioVersion);
        metadata.Fields["LABELS"] = Value.ForStruct(Strings(pod.Labels));
        metadata.Fields["ANNOTATIONS"] = Value.ForStruct(Strings(pod.Annotations));

        // By this istiod tells a proxy from a tool: `istioctl proxy-status` lists nobody without it.
        metadata.Fields["PROXY_CONFIG"] = Value.ForStruct(Struct.Parser.ParseJson(pod.ProxyConfig.Json));
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

    private static Struct Strings(IReadOnlyDictionary<string, string> values)
    {
        var strings = new Struct();
        foreach (var (name, value) in values)
        {
            strings.Fields[name] = Value.ForString(value);
        }

        return strings;
    }

    private static void AddIfKnown(Struct metadata, string name, string value)
    {
        if (value.Length > 0)
        {
            metadata.Fields[name] = Value.ForString(value);
        }
    }
}
