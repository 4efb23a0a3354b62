using System.Buffers;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;

namespace Waypoint.Xds.Metrics;

/// <summary>
/// Collects System.Diagnostics.Metrics and writes them in Prometheus' text format, under the instruments' own names. A measurement finds its
/// series without allocating; only the first of a series allocates.
/// </summary>
public sealed class PrometheusExporter : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4";

    private readonly Lock _gate = new();
    private readonly PrometheusOptions _options;
    private readonly MeterListener _listener = new();
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);

    public PrometheusExporter(PrometheusOptions? options = null)
    {
        _options = options ?? new PrometheusOptions();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (_options.Includes(instrument) && FamilyOf(instrument) is { } family)
            {
                listener.EnableMeasurementEvents(instrument, family);
            }
        };
        _listener.SetMeasurementEventCallback<byte>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<short>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<float>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<decimal>(static (_, value, tags, family) => ((MetricFamily)family!).Record((double)value, tags));
        _listener.Start();
    }

    /// <summary>Writes everything, observable instruments as they are now.</summary>
    public void WriteTo(IBufferWriter<byte> output)
    {
        lock (_gate)
        {
            foreach (var family in _families.Values)
            {
                family.StartScrape();
            }

            _listener.RecordObservableInstruments();
            var text = new ExpositionWriter(output);
            foreach (var family in _families.Values)
            {
                family.WriteTo(ref text);
            }

            WriteDropped(ref text);
            text.Flush();
        }
    }

    /// <summary>Answers a scrape.</summary>
    public async Task WriteAsync(HttpResponse response)
    {
        response.ContentType = ContentType;
        WriteTo(response.BodyWriter);
        await response.BodyWriter.FlushAsync(response.HttpContext.RequestAborted).ConfigureAwait(false);
    }

    public void Dispose() => _listener.Dispose();

    private void WriteDropped(ref ExpositionWriter text)
    {
        const string Name = "waypoint_metrics_dropped_measurements_total";
        var headed = false;
        foreach (var family in _families.Values.Where(family => family.Dropped > 0))
        {
            if (!headed)
            {
                text.Header(Name, "counter", "Measurements that were dropped because their metric has too many series.");
                headed = true;
            }

            text.Sample(Name, "", ExpositionWriter.Labels([new("metric", family.Name)]), "", family.Dropped);
        }
    }

    private MetricFamily? FamilyOf(Instrument instrument)
    {
        var name = ExpositionWriter.SafeName(instrument.Name);
        var kind = MetricKinds.Of(instrument);
        lock (_gate)
        {
            if (!_families.TryGetValue(name, out var family))
            {
                _families.Add(name, family = new MetricFamily(name, kind, instrument.Description, _options.MaximumSeries, BucketsOf(name, instrument)));
            }

            // Instruments of one name are one metric, if they are of one kind; a metric cannot be two things.
            return family.Kind == kind ? family : null;
        }
    }

    private double[] BucketsOf(string name, Instrument instrument)
        => [.. _options.Buckets.GetValueOrDefault(name) ?? instrument switch
        {
            Histogram<double> histogram => histogram.Advice?.HistogramBucketBoundaries,
            Histogram<long> histogram => histogram.Advice?.HistogramBucketBoundaries?.Select(bound => (double)bound).ToArray(),
            Histogram<int> histogram => histogram.Advice?.HistogramBucketBoundaries?.Select(bound => (double)bound).ToArray(),
            _ => null,
        } ?? _options.DefaultBuckets];
}
