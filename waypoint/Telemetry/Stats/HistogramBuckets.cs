using System.Text.Json;

namespace Waypoint.Proxy.Telemetry.Stats;

/// <summary>The upper bounds of the histograms' buckets: Envoy's, unless the pod's annotation says otherwise for metrics of a prefix.</summary>
internal sealed class HistogramBuckets(IReadOnlyDictionary<string, double[]> byPrefix)
{
    /// <summary>The pod's annotation that changes them: a JSON object of prefixes and their ascending bounds.</summary>
    public const string Annotation = "sidecar.istio.io/statsHistogramBuckets";

    // Envoy calls a metric of Istio's istiocustom.NAME; the prefixes that people write are of that name.
    private const string EnvoyPrefix = "istiocustom.";

    private static readonly double[] Envoys =
        [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000];

    public static HistogramBuckets Default { get; } = new(new Dictionary<string, double[]>());

    /// <exception cref="FormatException">Not such an object, or the bounds are not ascending.</exception>
    public static HistogramBuckets Parse(string? annotation)
    {
        if (string.IsNullOrWhiteSpace(annotation))
        {
            return Default;
        }

        try
        {
            using var document = JsonDocument.Parse(annotation);
            var byPrefix = new Dictionary<string, double[]>(StringComparer.Ordinal);
            foreach (var prefix in document.RootElement.EnumerateObject())
            {
                double[] bounds = [.. prefix.Value.EnumerateArray().Select(bound => bound.GetDouble())];
                if (bounds.Length == 0 || bounds.Zip(bounds.Skip(1)).Any(pair => pair.First >= pair.Second))
                {
                    throw new FormatException($"{Annotation}: the bounds of '{prefix.Name}' are not ascending");
                }

                byPrefix[prefix.Name] = bounds;
            }

            return new HistogramBuckets(byPrefix);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new FormatException($"{Annotation}: {exception.Message}", exception);
        }
    }

    /// <summary>The bounds of a metric, by the longest prefix that fits.</summary>
    public double[] For(string metric) => byPrefix
        .Where(prefix => (EnvoyPrefix + metric).StartsWith(prefix.Key, StringComparison.Ordinal) || metric.StartsWith(prefix.Key, StringComparison.Ordinal))
        .OrderByDescending(prefix => prefix.Key.Length)
        .Select(prefix => prefix.Value)
        .FirstOrDefault(Envoys);
}
