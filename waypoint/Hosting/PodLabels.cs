using System.Text.Json;

namespace Waypoint.Proxy.Hosting;

/// <summary>The pod's labels, which tell istiod whose waypoint this is.</summary>
internal static class PodLabels
{
    /// <summary>Reads the downward API's file (lines of <c>key="value"</c>); without one, the JSON object of ISTIO_METAJSON_LABELS.</summary>
    public static IReadOnlyDictionary<string, string> Read(string file, string? json)
    {
        if (File.Exists(file))
        {
            return ParseFile(File.ReadAllLines(file));
        }

        return string.IsNullOrWhiteSpace(json) ? new Dictionary<string, string>() : ParseJson(json);
    }

    private static Dictionary<string, string> ParseFile(IEnumerable<string> lines)
    {
        var labels = new Dictionary<string, string>();
        foreach (var line in lines)
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                labels[line[..equals]] = line[(equals + 1)..].Trim('"');
            }
        }

        return labels;
    }

    private static Dictionary<string, string> ParseJson(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.EnumerateObject().ToDictionary(l => l.Name, l => l.Value.GetString() ?? "");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new FormatException($"ISTIO_METAJSON_LABELS: {exception.Message}", exception);
        }
    }
}
