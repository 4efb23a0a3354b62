using System.Text.Json;
using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.Xds;
using Waypoint.Xds.Delta;
using ResourceTypes = Waypoint.Proxy.Xds.ResourceTypes;

namespace Waypoint.Proxy.Admin;

/// <summary><c>/config_dump</c> in Envoy's shape (envoy.admin.v3): what the control plane sent and is in force.</summary>
internal sealed class ConfigDump(MeshModel model, PodEnvironment pod)
{
    public Task AnswerAsync(HttpContext context)
    {
        var withEndpoints = context.Request.Query.ContainsKey("include_eds");
        return context.WriteJsonAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("configs");
            WriteBootstrap(writer);
            WriteResources(writer, "ClustersConfigDump", "dynamic_active_clusters", "cluster", ResourceTypes.Cluster);
            WriteListeners(writer);
            WriteResources(writer, "RoutesConfigDump", "dynamic_route_configs", "route_config", ResourceTypes.Routes);
            if (withEndpoints)
            {
                WriteResources(writer, "EndpointsConfigDump", "dynamic_endpoint_configs", "endpoint_config", ResourceTypes.Endpoints);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    private void WriteBootstrap(Utf8JsonWriter writer)
    {
        WriteHead(writer, "BootstrapConfigDump");
        writer.WriteStartObject("bootstrap");
        writer.WritePropertyName("node");
        writer.WriteRawValue(ResourceJson.Format(NodeIdentity.Of(pod)));
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private void WriteResources(Utf8JsonWriter writer, string dump, string list, string field, string type)
    {
        WriteHead(writer, dump);
        writer.WriteStartArray(list);
        foreach (var resource in model.Received(type))
        {
            writer.WriteStartObject();
            writer.WriteString("version_info", resource.Version);
            writer.WritePropertyName(field);
            writer.WriteRawValue(ResourceJson.Format(resource.Resource_));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private void WriteListeners(Utf8JsonWriter writer)
    {
        WriteHead(writer, "ListenersConfigDump");
        writer.WriteStartArray("dynamic_listeners");
        foreach (var resource in model.Received(ResourceTypes.Listener))
        {
            writer.WriteStartObject();
            writer.WriteString("name", resource.Name);
            writer.WriteStartObject("active_state");
            writer.WriteString("version_info", resource.Version);
            writer.WritePropertyName("listener");
            writer.WriteRawValue(ResourceJson.Format(resource.Resource_));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteHead(Utf8JsonWriter writer, string dump)
    {
        writer.WriteStartObject();
        writer.WriteString("@type", $"type.googleapis.com/envoy.admin.v3.{dump}");
    }
}
