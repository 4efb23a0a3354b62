using System.Text.Json.Nodes;
using Google.Protobuf;
using Waypoint.Xds.Delta;

namespace Waypoint.GatewayApi.Tests.Istiod;

/// <summary>What istiod sent, as messages of ours, without the tags of its spans.</summary>
internal static class IstiodDump
{
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithTypeRegistry(ResourceJson.Types).WithIgnoreUnknownFields(true));

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithTypeRegistry(ResourceJson.Types));

    /// <summary>The folder with scenarios and dumps.</summary>
    public static string Folder { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("WAYPOINT_SHARED") ?? throw new InvalidOperationException("set WAYPOINT_SHARED"), "fixtures", "istio");

    public static string Scenario(string name) => File.ReadAllText(Path.Combine(Folder, "scenarios", name + ".yaml"));

    public static List<T> Read<T>(string scenario, string type)
        where T : IMessage<T>, new()
    {
        string file = Path.Combine(Folder, "dumps", scenario, "waypoint", type + ".json");
        List<T> messages = [];
        // The listeners and clusters of HBONE belong to the proxy; a control plane of ours leaves them to it.
        foreach (JsonNode? entry in JsonNode.Parse(File.ReadAllText(file))!.AsArray().Where(entry => !entry!["name"]!.GetValue<string>().Contains("connect_", StringComparison.Ordinal)))
        {
            JsonObject resource = entry!["resource"]!.AsObject();
            resource.Remove("@type");
            messages.Add(Parser.Parse<T>(Cleaned(resource)!.ToJsonString()));
        }

        return messages;
    }

    /// <summary>A message as JSON with its Anys spelt out and its maps in order.</summary>
    public static string Canonical(IMessage message) => Ordered(JsonNode.Parse(Formatter.Format(message)))!.ToJsonString();

    private static JsonNode? Ordered(JsonNode? node) => node switch
    {
        JsonObject fields => new JsonObject(fields.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => KeyValuePair.Create(field.Key, Ordered(field.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Ordered)]),
        _ => node?.DeepClone(),
    };

    /// <summary>Drops spans' tags, and filters that nobody has a message for.</summary>
    private static JsonNode? Cleaned(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject fields:
                JsonObject kept = [];
                foreach ((string name, JsonNode? value) in fields)
                {
                    if (name is not ("tracing" or "metadata" or "decorator" or "typedPerFilterConfig") || fields.ContainsKey("altStatName") || fields.ContainsKey("healthStatus"))
                    {
                        kept[name] = Cleaned(value);
                    }
                }

                return kept;
            case JsonArray items:
                return new JsonArray([.. items.Where(Known).Select(Cleaned)]);
            default:
                return node?.DeepClone();
        }
    }

    private static bool Known(JsonNode? item)
    {
        string? type = (item as JsonObject)?["typedConfig"]?["@type"]?.GetValue<string>();
        return type is null || ResourceJson.Types.Find(type[(type.LastIndexOf('/') + 1)..]) is not null;
    }
}
