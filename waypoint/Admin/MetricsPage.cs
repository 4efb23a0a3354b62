using System.Buffers;
using System.Text;
using Waypoint.Xds.Metrics;

namespace Waypoint.Proxy.Admin;

/// <summary>The metrics, for Prometheus and in Envoy's plain form.</summary>
internal sealed class MetricsPage(PrometheusExporter exporter)
{
    public Task AnswerAsync(HttpContext context) => exporter.WriteAsync(context.Response);

    /// <summary><c>/stats</c>: one line of <c>name: value</c> for each series.</summary>
    public Task AnswerPlainAsync(HttpContext context)
    {
        var exposition = new ArrayBufferWriter<byte>();
        exporter.WriteTo(exposition);
        var plain = new StringBuilder();
        foreach (var line in Encoding.UTF8.GetString(exposition.WrittenSpan).Split('\n'))
        {
            var value = line.LastIndexOf(' ');
            if (value > 0 && line[0] != '#')
            {
                plain.Append(line, 0, value).Append(':').Append(line, value, line.Length - value).Append('\n');
            }
        }

        return context.WriteTextAsync(plain.ToString());
    }
}
