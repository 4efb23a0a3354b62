using System.Text.Json.Nodes;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Xds;
using Waypoint.Xds.Delta.Client;

namespace Waypoint.Proxy.Tests.Xds;

/// <summary>What a real istiod sent for the scenarios in the folder that WAYPOINT_SHARED names, as responses of delta xDS.</summary>
internal static class IstioFixtures
{
    private static readonly TypeRegistry Types = TypeRegistry.FromFiles(
        typeof(Envoy.Config.Listener.V3.Listener).Assembly.GetTypes()
            .Where(type => type.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(type => type.GetProperty("Descriptor")?.GetValue(null))
            .OfType<FileDescriptor>());

    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true).WithTypeRegistry(Types));

    public static string Folder =>
        Path.Combine(Environment.GetEnvironmentVariable("WAYPOINT_SHARED") ?? "", "fixtures", "istio", "dumps");

    public static IEnumerable<string> Scenarios =>
        Directory.GetDirectories(Folder).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal);

    /// <summary>The base scenario's resources with those of <paramref name="scenario"/> over them.</summary>
    public static IReadOnlyList<Resource> Load(string scenario, string type)
    {
        var resources = new Dictionary<string, Resource>();
        foreach (var folder in new[] { "base", scenario })
        {
            var path = Path.Combine(Folder, folder, "waypoint", type[(type.LastIndexOf('/') + 1)..] + ".json");
            foreach (var node in File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path))!.AsArray() : [])
            {
                var resource = Parse(node!["resource"]!.AsObject());
                var name = (string)node["name"]!;
                resources[name] = new Resource { Name = name, Version = (string?)node["version"] ?? "1", Resource_ = resource };
            }
        }

        return [.. resources.Values];
    }

    public static IReadOnlyList<Rejection> Apply(MeshModel model, string scenario) =>
    [
        .. from type in new[] { ResourceTypes.Cluster, ResourceTypes.Endpoints, ResourceTypes.Listener, ResourceTypes.Workload }
           from error in model.Apply(type, Load(scenario, type), [])
           select error,
    ];

    /// <summary>A message in JSON, with its type beside it.</summary>
    public static Any Parse(JsonObject resource)
    {
        HideUnknownTypes(resource);
        return Parser.Parse<Any>(resource.ToJsonString());
    }

    // A type without a schema here travels as the TypedStruct that stands for it.
    private static void HideUnknownTypes(JsonNode? node)
    {
        switch (node)
        {
            case JsonArray array:
                foreach (var item in array)
                {
                    HideUnknownTypes(item);
                }

                break;
            case JsonObject fields:
                foreach (var (name, value) in fields.ToArray())
                {
                    if (value is JsonObject inner && (string?)inner["@type"] is { } url && Types.Find(url[(url.LastIndexOf('/') + 1)..]) is null)
                    {
                        fields[name] = new JsonObject
                        {
                            ["@type"] = "type.googleapis.com/udpa.type.v1.TypedStruct",
                            ["typeUrl"] = url,
                        };
                    }
                    else
                    {
                        HideUnknownTypes(value);
                    }
                }

                break;
        }
    }
}
