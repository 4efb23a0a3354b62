using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text;
using Waypoint.Xds.Metrics;

namespace Waypoint.Xds.Tests.Metrics;

/// <summary>Without neighbours: an exporter hears every meter of the process.</summary>
[Collection(nameof(Alone))]
public sealed class PrometheusExporterTests : IDisposable
{
    private readonly Meter _meter = new("Waypoint.Test");
    private readonly List<PrometheusExporter> _exporters = [];

    public void Dispose()
    {
        _exporters.ForEach(exporter => exporter.Dispose());
        _meter.Dispose();
    }

    [Fact]
    public void A_counter_is_written_under_its_own_name_with_its_labels()
    {
        var exporter = Export();
        var requests = _meter.CreateCounter<long>("istio_requests_total", null, "Requests.");
        requests.Add(1, new("code", "200"), new("method", "GET"));
        requests.Add(2, new("code", "200"), new("method", "GET"));
        requests.Add(1, new("code", "404"), new("method", "GET"));
        Assert.Equal(
            """
            # HELP istio_requests_total Requests.
            # TYPE istio_requests_total counter
            istio_requests_total{code="200",method="GET"} 3
            istio_requests_total{code="404",method="GET"} 1

            """,
            Text(exporter));
    }

    [Fact]
    public void The_order_of_tags_makes_no_other_series()
    {
        var exporter = Export();
        var counter = _meter.CreateCounter<int>("c");
        counter.Add(1, new("a", "1"), new("b", 2), new("c", true));
        counter.Add(1, new("c", true), new("a", "1"), new("b", 2));
        Assert.Contains("c{a=\"1\",b=\"2\",c=\"true\"} 2\n", Text(exporter), StringComparison.Ordinal);
    }

    [Fact]
    public void Swapped_values_are_other_series()
    {
        var exporter = Export();
        var counter = _meter.CreateCounter<int>("c");
        counter.Add(1, new("a", "x"), new("b", "y"));
        counter.Add(1, new("a", "y"), new("b", "x"));
        counter.Add(1, new KeyValuePair<string, object?>("a", "x"));
        Assert.Contains("c{a=\"x\",b=\"y\"} 1\nc{a=\"y\",b=\"x\"} 1\nc{a=\"x\"} 1\n", Text(exporter), StringComparison.Ordinal);
    }

    [Fact]
    public void A_gauge_goes_up_and_down_and_an_observed_one_is_asked()
    {
        var exporter = Export();
        var open = _meter.CreateUpDownCounter<int>("open");
        var last = _meter.CreateGauge<double>("last");
        (string Name, long Value)[] observed = [("a", 1), ("b", 2)];
        _meter.CreateObservableGauge("depth", () => observed.Select(o => new Measurement<long>(o.Value, new KeyValuePair<string, object?>("queue", o.Name))));
        open.Add(5);
        open.Add(-2);
        last.Record(1.5);
        last.Record(0.25);
        var text = Text(exporter);
        Assert.Contains("# TYPE open gauge\nopen 3\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE last gauge\nlast 0.25\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE depth gauge\ndepth{queue=\"a\"} 1\ndepth{queue=\"b\"} 2\n", text, StringComparison.Ordinal);

        observed = [("b", 7)];
        text = Text(exporter);
        Assert.Contains("depth{queue=\"b\"} 7\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("queue=\"a\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_histogram_has_cumulative_buckets_a_sum_and_a_count()
    {
        var exporter = Export(new PrometheusOptions { Buckets = new Dictionary<string, IReadOnlyList<double>> { ["latency"] = [0.5, 10] } });
        var latency = _meter.CreateHistogram<double>("latency", "ms", "How long.");
        foreach (var value in (double[])[0.1, 0.5, 3, 11])
        {
            latency.Record(value, new KeyValuePair<string, object?>("code", "200"));
        }

        Assert.Equal(
            """
            # HELP latency How long.
            # TYPE latency histogram
            latency_bucket{code="200",le="0.5"} 2
            latency_bucket{code="200",le="10"} 3
            latency_bucket{code="200",le="+Inf"} 4
            latency_sum{code="200"} 14.6
            latency_count{code="200"} 4

            """,
            Text(exporter));
    }

    [Fact]
    public void A_histogram_takes_the_buckets_that_its_instrument_advises()
    {
        var exporter = Export();
        _meter.CreateHistogram("size", advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [7] }).Record(5);
        Assert.Contains("size_bucket{le=\"7\"} 1\nsize_bucket{le=\"+Inf\"} 1\n", Text(exporter), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_values_and_help_are_escaped()
    {
        var exporter = Export();
        _meter.CreateCounter<long>("1st.of-all", null, "back\\slash\nand line").Add(1, new KeyValuePair<string, object?>("the.path", "a\"b\\c\nd é"));
        _meter.CreateGauge<double>("inf").Record(double.PositiveInfinity);
        _meter.CreateGauge<double>("nan").Record(double.NaN);
        var text = Text(exporter);
        Assert.Contains("# HELP _1st_of_all back\\\\slash\\nand line\n", text, StringComparison.Ordinal);
        Assert.Contains("_1st_of_all{the_path=\"a\\\"b\\\\c\\nd é\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("inf +Inf\n", text, StringComparison.Ordinal);
        Assert.Contains("nan NaN\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_metric_with_too_many_series_keeps_those_it_has_and_counts_what_it_drops()
    {
        var exporter = Export(new PrometheusOptions { MaximumSeries = 100 });
        var counter = _meter.CreateCounter<long>("c");
        for (var i = 0; i < 150; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("path", $"/{i}"));
        }

        counter.Add(1, new KeyValuePair<string, object?>("path", "/7"));
        var text = Text(exporter);
        Assert.Contains("c{path=\"/7\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("c{path=\"/99\"} 1\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("/100", text, StringComparison.Ordinal);
        Assert.Contains("waypoint_metrics_dropped_measurements_total{metric=\"c\"} 50\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Meters_of_others_are_left_out()
    {
        var exporter = Export();
        using var other = new Meter("Another.Library");
        other.CreateCounter<long>("theirs").Add(1);
        Assert.DoesNotContain("theirs", Text(exporter), StringComparison.Ordinal);
    }

    [Fact]
    public void A_measurement_of_a_known_series_allocates_nothing()
    {
        _ = Export(new PrometheusOptions { Includes = instrument => instrument.Meter == _meter });
        var counter = _meter.CreateCounter<long>("c");
        var latency = _meter.CreateHistogram<double>("h");
        var tags = Enumerable.Range(0, 25).Select(i => new KeyValuePair<string, object?>($"label_{i}", $"value-{i}")).ToArray();
        Measure();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Measure();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Measure()
        {
            counter.Add(1, tags);
            latency.Record(3, tags);
        }
    }

    [Fact]
    public void Many_threads_lose_no_count()
    {
        var exporter = Export();
        var counter = _meter.CreateCounter<long>("c");
        var latency = _meter.CreateHistogram<double>("h");
        Parallel.For(0, 4, _ =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                counter.Add(1, new KeyValuePair<string, object?>("n", (i % 500).ToString(System.Globalization.CultureInfo.InvariantCulture)));
                latency.Record(2);
            }
        });
        var text = Text(exporter);
        Assert.Equal(500, text.Split('\n').Count(line => line.StartsWith("c{", StringComparison.Ordinal) && line.EndsWith("} 80", StringComparison.Ordinal)));
        Assert.Contains("h_sum 80000\nh_count 40000\n", text, StringComparison.Ordinal);
    }

    private static string Text(PrometheusExporter exporter)
    {
        var output = new ArrayBufferWriter<byte>();
        exporter.WriteTo(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private PrometheusExporter Export(PrometheusOptions? options = null)
    {
        // Other tests' meters of the same name live in this process too.
        var exporter = new PrometheusExporter((options ?? new PrometheusOptions()) with
        {
            Includes = instrument => new PrometheusOptions().Includes(instrument) && (instrument.Meter.Name != _meter.Name || instrument.Meter == _meter)
                && instrument.Meter.Name != "Waypoint.Xds",
        });
        _exporters.Add(exporter);
        return exporter;
    }
}
