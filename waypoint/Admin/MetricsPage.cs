using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Waypoint.Proxy.Routing;
using Waypoint.Xds.Metrics;

namespace Waypoint.Proxy.Admin;

/// <summary>The metrics, for Prometheus and in Envoy's plain form.</summary>
internal sealed class MetricsPage(PrometheusExporter exporter)
{
    public Task AnswerAsync(HttpContext context) => exporter.WriteAsync(context.Response);

    /// <summary>
    /// <c>/stats</c>: one line of <c>name: value</c> for each series, or with <c>?format=json</c> Envoy's object of them;
    /// <c>?filter=REGEX</c> chooses by name.
    /// </summary>
    public Task AnswerPlainAsync(HttpContext context)
    {
        Regex? filter = null;
        if (context.Request.Query["filter"] is [{ Length: > 0 } pattern])
        {
            try
            {
                filter = Re2Pattern.Search(pattern);
            }
            catch (Re2PatternException exception)
            {
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                return context.WriteTextAsync($"filter: {exception.Message}\n");
            }
        }

        var series = Series().Where(one => filter is null || filter.IsMatch(one.Name));
        switch (context.Request.Query["format"].ToString())
        {
            case "prometheus":
                return AnswerAsync(context);
            case "json":
                return context.WriteJsonAsync(writer =>
                {
                    writer.WriteStartObject();
                    writer.WriteStartArray("stats");
                    foreach (var (name, value) in series)
                    {
                        writer.WriteStartObject();
                        writer.WriteString("name", name);
                        writer.WritePropertyName("value");
                        writer.WriteRawValue(double.TryParse(value, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? value : $"\"{value}\"");
                        writer.WriteEndObject();
                    }

                    writer.WriteEndArray();
                    writer.WriteEndObject();
                });
            default:
                return context.WriteTextAsync(string.Concat(series.Select(one => $"{one.Name}: {one.Value}\n")));
        }
    }

    private IEnumerable<(string Name, string Value)> Series()
    {
        var exposition = new ArrayBufferWriter<byte>();
        exporter.WriteTo(exposition);
        foreach (var line in Encoding.UTF8.GetString(exposition.WrittenSpan).Split('\n'))
        {
            var value = line.LastIndexOf(' ');
            if (value > 0 && line[0] != '#')
            {
                yield return (line[..value], line[(value + 1)..]);
            }
        }
    }
}
