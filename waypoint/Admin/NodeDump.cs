using System.Text.Json;
using Waypoint.Proxy.Hosting;

namespace Waypoint.Proxy.Admin;

/// <summary>Who this proxy is, as an envoy.config.core.v3.Node.</summary>
internal static class NodeDump
{
    public static void Write(Utf8JsonWriter writer, PodEnvironment pod)
    {
        writer.WriteStartObject();
        writer.WriteString("id", pod.NodeId);
        writer.WriteString("cluster", $"{pod.ServiceAccount}.{pod.Namespace}");
        writer.WriteStartObject("metadata");
        writer.WriteString("NAME", pod.PodName);
        writer.WriteString("NAMESPACE", pod.Namespace);
        writer.WriteString("SERVICE_ACCOUNT", pod.ServiceAccount);
        writer.WriteString("INSTANCE_IPS", pod.InstanceIp);
        writer.WriteString("CLUSTER_ID", pod.ClusterId);
        writer.WriteString("NODE_NAME", pod.NodeName);
        writer.WriteStartObject("LABELS");
        foreach (var (name, value) in pod.Labels)
        {
            writer.WriteString(name, value);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
