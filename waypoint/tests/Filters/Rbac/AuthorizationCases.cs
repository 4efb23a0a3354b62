using System.Text.Json.Nodes;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Waypoint.Proxy.Tests.Filters.Rbac;

/// <summary>The cases of <c>cases.yaml</c>, and what istiod made of their policies (<c>translations.json</c>).</summary>
internal static class AuthorizationCases
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Filters", "Rbac");

    private static readonly JsonObject Translations =
        JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "translations.json")))!.AsObject();

    public static IReadOnlyList<AuthorizationCase> All { get; } = new DeserializerBuilder()
        .WithNamingConvention(CamelCaseNamingConvention.Instance)
        .IgnoreUnmatchedProperties()
        .Build()
        .Deserialize<List<AuthorizationCase>>(File.ReadAllText(Path.Combine(Folder, "cases.yaml")));

    /// <param name="name">The case.</param>
    /// <param name="kind"><c>http</c> or <c>tcp</c>.</param>
    public static IEnumerable<(string Name, JsonObject Config)> Filters(string name, string kind) =>
        Translations[name]![kind]!.AsArray().Select(filter => ((string)filter!["name"]!, filter["typedConfig"]!.DeepClone().AsObject()));
}

internal sealed class AuthorizationCase
{
    public string Name { get; set; } = "";

    public List<AuthorizationRequest> Requests { get; set; } = [];
}

internal sealed class AuthorizationRequest
{
    public string From { get; set; } = "";

    public string Method { get; set; } = "GET";

    public string Path { get; set; } = "/";

    public string? Host { get; set; }

    public string To { get; set; } = "10.96.0.1";

    public Dictionary<string, object> Headers { get; set; } = [];

    public Dictionary<string, object>? Claims { get; set; }

    public bool Tcp { get; set; }

    public string Sni { get; set; } = "";

    public string Expect { get; set; } = "";

    public override string ToString()
    {
        var headers = string.Concat(Headers.Select(header => $" {header.Key}: {string.Join(",", Values(header.Value))}"));
        var claims = Claims is null ? "" : $" with {ToJson(Claims)!.ToJsonString()}";
        return (Tcp ? $"{From} tcp {Sni}" : $"{From} {Method} {Host}{Path}{headers}{claims}") + $" to {To}: {Expect}";
    }

    public static string[] Values(object value) => value is List<object> list ? [.. list.Select(item => (string)item)] : [(string)value];

    public static JsonNode? ToJson(object value) => value switch
    {
        List<object> list => new JsonArray([.. list.Select(ToJson)]),
        Dictionary<object, object> map => new JsonObject(map.Select(entry => KeyValuePair.Create((string)entry.Key, ToJson(entry.Value)))),
        Dictionary<string, object> map => new JsonObject(map.Select(entry => KeyValuePair.Create(entry.Key, ToJson(entry.Value)))),
        _ => JsonValue.Create((string)value),
    };
}
