using System.Text.Json.Nodes;

namespace Waypoint.Proxy.Filters;

/// <summary>
/// What filters of one request tell those after them (Envoy's dynamic metadata): the claims of a token, the verdict of a shadow rule.
/// </summary>
internal sealed class DynamicMetadata
{
    private Dictionary<string, JsonObject>? _namespaces;

    /// <summary>What is known under <paramref name="name"/>, such as <c>envoy.filters.http.jwt_authn</c>; null when nothing is.</summary>
    public JsonObject? Find(string name) => _namespaces?.GetValueOrDefault(name);

    /// <summary>The value at <paramref name="path"/> within a namespace; null when there is none.</summary>
    public JsonNode? Find(string name, ReadOnlySpan<string> path)
    {
        JsonNode? node = Find(name);
        foreach (var key in path)
        {
            node = (node as JsonObject)?[key];
        }

        return node;
    }

    /// <summary>Adds <paramref name="value"/> under a key of a namespace; what was there is replaced.</summary>
    public void Set(string name, string key, JsonNode? value)
    {
        _namespaces ??= new(StringComparer.Ordinal);
        if (!_namespaces.TryGetValue(name, out var values))
        {
            _namespaces[name] = values = [];
        }

        values[key] = value;
    }
}
