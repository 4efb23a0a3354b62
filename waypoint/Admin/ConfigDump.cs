using System.Text.Json;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.Xds;
using Waypoint.Xds.Delta;
using ResourceTypes = Waypoint.Proxy.Xds.ResourceTypes;

namespace Waypoint.Proxy.Admin;

/// <summary>
/// <c>/config_dump</c> in Envoy's shape (envoy.admin.v3): what the control plane sent and is in force. <c>?include_eds</c> adds the endpoints,
/// <c>?resource=dynamic_listeners</c> gives the items of one list alone, <c>?mask=bootstrap,dynamic_listeners</c> leaves the other lists out.
/// </summary>
internal sealed class ConfigDump(MeshModel model, PodEnvironment pod, WaypointOptions options, SecretsDump secrets)
{
    private const string Prefix = "type.googleapis.com/envoy.admin.v3.";

    private static readonly string[] Lists =
    [
        "dynamic_active_clusters", "dynamic_listeners", "static_route_configs", "dynamic_route_configs", "dynamic_endpoint_configs", "dynamic_active_secrets",
        "ecds_filters",
    ];

    public Task AnswerAsync(HttpContext context)
    {
        var query = context.Request.Query;
        if (query.ContainsKey("name_regex"))
        {
            return RefuseAsync(context, "name_regex is not supported; there are include_eds, mask and resource\n");
        }

        // Of a path in the mask the first name counts: what is below is given whole.
        var mask = query["mask"].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries).Select(path => path.Split('.')[0]).ToHashSet(StringComparer.Ordinal);
        bool IsWanted(string field) => mask.Count == 0 || mask.Contains(field);

        var only = query["resource"].ToString();
        if (only.Length > 0 && !Lists.Contains(only))
        {
            return RefuseAsync(context, $"resource: there is no '{only}'; there are {string.Join(", ", Lists)}\n");
        }

        var withEndpoints = query.ContainsKey("include_eds") || only == "dynamic_endpoint_configs";
        return context.WriteJsonAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("configs");
            if (only.Length == 0)
            {
                WriteBootstrap(writer, IsWanted("bootstrap"));
            }

            WriteDump(writer, only, IsWanted, "ClustersConfigDump", "dynamic_active_clusters", "DynamicCluster", item => WriteResources(item, "cluster", ResourceTypes.Cluster));
            WriteDump(writer, only, IsWanted, "ListenersConfigDump", "dynamic_listeners", "DynamicListener", WriteListeners);
            if (only.Length == 0)
            {
                WriteHead(writer, "RoutesConfigDump");
                WriteList(writer, "static_route_configs", IsWanted, WriteInlineRoutes);
                WriteList(writer, "dynamic_route_configs", IsWanted, item => WriteResources(item, "route_config", ResourceTypes.Routes));
                writer.WriteEndObject();
            }
            else
            {
                WriteDump(writer, only, IsWanted, "RoutesConfigDump", "static_route_configs", "StaticRouteConfig", WriteInlineRoutes);
                WriteDump(writer, only, IsWanted, "RoutesConfigDump", "dynamic_route_configs", "DynamicRouteConfig", item => WriteResources(item, "route_config", ResourceTypes.Routes));
            }

            if (withEndpoints)
            {
                WriteDump(
                    writer, only, IsWanted, "EndpointsConfigDump", "dynamic_endpoint_configs", "DynamicEndpointConfig", item => WriteResources(item, "endpoint_config", ResourceTypes.Endpoints));
            }

            WriteDump(writer, only, IsWanted, "SecretsConfigDump", "dynamic_active_secrets", "DynamicSecret", secrets.Write);
            WriteDump(writer, only, IsWanted, "EcdsConfigDump", "ecds_filters", "EcdsFilterConfig", static _ => { });
            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    private static Task RefuseAsync(HttpContext context, string reason)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return context.WriteTextAsync(reason);
    }

    /// <summary>A dump with its list; or, when the list alone is asked for, its items as dumps of their own.</summary>
    private static void WriteDump(
        Utf8JsonWriter writer, string only, Func<string, bool> isWanted, string dump, string list, string itemType, Action<DumpItems> write)
    {
        if (only.Length == 0)
        {
            WriteHead(writer, dump);
            WriteList(writer, list, isWanted, write);
            writer.WriteEndObject();
        }
        else if (only == list)
        {
            write(new DumpItems(writer, $"{Prefix}{dump}.{itemType}"));
        }
    }

    private static void WriteList(Utf8JsonWriter writer, string list, Func<string, bool> isWanted, Action<DumpItems> write)
    {
        if (!isWanted(list))
        {
            return;
        }

        writer.WriteStartArray(list);
        write(new DumpItems(writer, null));
        writer.WriteEndArray();
    }

    private static void WriteHead(Utf8JsonWriter writer, string dump)
    {
        writer.WriteStartObject();
        writer.WriteString("@type", $"{Prefix}{dump}");
    }

    private void WriteBootstrap(Utf8JsonWriter writer, bool isWanted)
    {
        WriteHead(writer, "BootstrapConfigDump");
        if (!isWanted)
        {
            writer.WriteEndObject();
            return;
        }

        writer.WriteStartObject("bootstrap");
        writer.WritePropertyName("node");
        writer.WriteRawValue(ResourceJson.Format(NodeIdentity.Of(pod)));
        writer.WriteStartObject("admin");
        writer.WriteStartObject("address");
        writer.WriteStartObject("socket_address");
        writer.WriteString("address", options.Admin.Address.ToString());
        writer.WriteNumber("port_value", options.Admin.Port);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private void WriteResources(DumpItems items, string field, string type)
    {
        foreach (var resource in model.Received(type))
        {
            items.Write(writer =>
            {
                writer.WriteString("version_info", resource.Version);
                writer.WritePropertyName(field);
                writer.WriteRawValue(ResourceJson.Format(resource.Resource_));
            });
        }
    }

    private void WriteListeners(DumpItems items)
    {
        foreach (var resource in model.Received(ResourceTypes.Listener))
        {
            items.Write(writer =>
            {
                writer.WriteString("name", resource.Name);
                writer.WriteStartObject("active_state");
                writer.WriteString("version_info", resource.Version);
                writer.WritePropertyName("listener");
                writer.WriteRawValue(ResourceJson.Format(resource.Resource_));
                writer.WriteEndObject();
            });
        }
    }

    /// <summary>The routes that came inside of listeners, which are static to Envoy: so istioctl shows a waypoint's.</summary>
    private void WriteInlineRoutes(DumpItems items)
    {
        foreach (var routes in model.Received(ResourceTypes.Listener).SelectMany(resource => RoutesOf(resource.Resource_.Unpack<Listener>())))
        {
            items.Write(writer =>
            {
                writer.WriteStartObject("route_config");
                writer.WriteString("@type", ResourceTypes.Routes);
                using var fields = JsonDocument.Parse(ResourceJson.Format(routes));
                foreach (var field in fields.RootElement.EnumerateObject())
                {
                    field.WriteTo(writer);
                }

                writer.WriteEndObject();
            });
        }
    }

    private static IEnumerable<RouteConfiguration> RoutesOf(Listener listener) =>
        from chain in listener.FilterChains
        from filter in chain.Filters
        where filter.TypedConfig?.Is(HttpConnectionManager.Descriptor) is true
        let manager = filter.TypedConfig.Unpack<HttpConnectionManager>()
        where manager.RouteConfig is not null
        select manager.RouteConfig;
}
