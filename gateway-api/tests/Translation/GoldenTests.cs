using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Xds.Delta;

namespace Waypoint.GatewayApi.Tests.Translation;

/// <summary>
/// Everything that is served for a small mesh with a canary, byte for byte: a change of the translation shows as a difference of this
/// file. Set WAYPOINT_WRITE_GOLDENS to write it anew, and read the difference before it is committed.
/// </summary>
public class GoldenTests
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void A_canary_is_served_as_ever()
    {
        TestMesh mesh = new(TestMesh.Shop, TestMesh.HttpRoute("""
            - matches: [{headers: [{name: x-canary, value: always}]}]
              backendRefs: [{name: echo-v2, port: 80}]
            - backendRefs: [{name: echo-v1, port: 80, weight: 90}, {name: echo-v2, port: 80, weight: 10}]
            """, "canary"));
        string served = Render(mesh);
        string golden = Path.Combine(Path.GetDirectoryName(ThisFile())!, "Goldens", "canary.json");
        if (Environment.GetEnvironmentVariable("WAYPOINT_WRITE_GOLDENS") is not null)
        {
            File.WriteAllText(golden, served);
        }

        Assert.Equal(File.ReadAllText(golden), served);
    }

    private static string Render(TestMesh mesh)
    {
        JsonObject all = [];
        foreach ((string scope, string typeUrl, var resources) in mesh.Store.Snapshot())
        {
            JsonObject table = [];
            foreach (var resource in resources.OrderBy(resource => resource.Name, StringComparer.Ordinal))
            {
                table[resource.Name] = Ordered(JsonNode.Parse(ResourceJson.Format(new Any { TypeUrl = resource.TypeUrl, Value = resource.Body })));
            }

            all[$"{scope}: {typeUrl}"] = table;
        }

        return new StringBuilder(all.ToJsonString(Indented)).Append('\n').ToString();
    }

    private static JsonNode? Ordered(JsonNode? node) => node switch
    {
        JsonObject fields => new JsonObject(fields.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => KeyValuePair.Create(field.Key, Ordered(field.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Ordered)]),
        _ => node?.DeepClone(),
    };

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
