using System.Text.Json;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Xds.Delta;

namespace Waypoint.Proxy.Tests.Xds;

/// <summary>
/// Every field that a real istiod sent is in our protos: what is not would be missing in dumps, and istioctl would tell people of differences
/// between the control plane and the proxy. Needs the folder that WAYPOINT_SHARED names.
/// </summary>
[Trait("Needs", "shared")]
public sealed class KnownFieldsTests
{
    [Fact]
    public void Nothing_that_istiod_sends_is_missing_in_dumps()
    {
        var missing = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in Directory.GetFiles(IstioFixtures.Folder, "*.json", SearchOption.AllDirectories).Where(f => !f.Contains("istio.", StringComparison.Ordinal)))
        {
            using var resources = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var resource in resources.RootElement.EnumerateArray())
            {
                Walk(Any.Descriptor, resource.GetProperty("resource"), missing);
            }
        }

        Assert.Empty(missing.Select(m => $"{m.Key}: {m.Value}"));
    }

    private static void Walk(MessageDescriptor type, JsonElement json, SortedDictionary<string, string> missing)
    {
        if (type.FullName == Any.Descriptor.FullName)
        {
            var name = Any.GetTypeName(json.GetProperty("@type").GetString());
            if (ResourceJson.Types.Find(name) is { } inner)
            {
                Walk(inner, json, missing);
            }
            else
            {
                missing[name] = "no such message";
            }

            return;
        }

        if (json.ValueKind != JsonValueKind.Object || type.File.Package == "google.protobuf")
        {
            return;
        }

        foreach (var property in json.EnumerateObject().Where(p => p.Name != "@type"))
        {
            if (type.Fields.InDeclarationOrder().FirstOrDefault(f => f.JsonName == property.Name) is not { } field)
            {
                missing[$"{type.FullName}.{property.Name}"] = property.Value.GetRawText()[..Math.Min(80, property.Value.GetRawText().Length)];
                continue;
            }

            foreach (var value in Values(field, property.Value))
            {
                var element = field.IsMap ? field.MessageType.FindFieldByNumber(2) : field;
                if (element.FieldType == FieldType.Message)
                {
                    Walk(element.MessageType, value, missing);
                }
            }
        }
    }

    private static IEnumerable<JsonElement> Values(FieldDescriptor field, JsonElement json) =>
        field.IsMap ? json.EnumerateObject().Select(p => p.Value)
        : field.IsRepeated ? json.EnumerateArray()
        : [json];
}
