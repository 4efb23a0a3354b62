using System.Text.Json;

namespace Waypoint.Proxy.Hosting;

/// <summary>The pod's labels, which tell istiod whose waypoint this is, and its annotations.</summary>
internal static class PodInfo
{
    /// <summary>Reads the downward API's file (lines of <c>key="value"</c>); without one, the JSON object of <paramref name="variable"/>.</summary>
    public static IReadOnlyDictionary<string, string> Read(string file, IReadOnlyDictionary<string, string> variables, string variable)
    {
        if (File.Exists(file))
        {
            return ParseFile(File.ReadAllLines(file));
        }

        return variables.TryGetValue(variable, out var json) && !string.IsNullOrWhiteSpace(json) ? ParseJson(json, variable) : new Dictionary<string, string>();
    }

    private static Dictionary<string, string> ParseFile(IEnumerable<string> lines)
    {
        var values = new Dictionary<string, string>();
        foreach (var line in lines)
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                values[line[..equals]] = line[(equals + 1)..].Trim('"');
            }
        }

        return values;
    }

    private static Dictionary<string, string> ParseJson(string json, string variable)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.EnumerateObject().ToDictionary(l => l.Name, l => l.Value.GetString() ?? "");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new FormatException($"{variable}: {exception.Message}", exception);
        }
    }
}
