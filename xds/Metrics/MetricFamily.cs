namespace Waypoint.Xds.Metrics;

/// <summary>A metric: all series of one name.</summary>
internal sealed class MetricFamily
{
    private readonly string _help;
    private readonly int _maximumSeries;
    private readonly double[] _buckets;
    private readonly string[] _bucketLabels;
    private SeriesTable _series;
    private long _dropped;

    public MetricFamily(string name, MetricKind kind, string? help, int maximumSeries, double[] buckets)
    {
        Name = name;
        Kind = kind;
        _help = help ?? "";
        _maximumSeries = maximumSeries;
        _buckets = buckets;
        _bucketLabels = [.. buckets.Append(double.PositiveInfinity).Select(bound => $"le=\"{ExpositionWriter.Text(bound)}\"")];
        _series = New();
    }

    public string Name { get; }

    public MetricKind Kind { get; }

    /// <summary>Measurements for which there was no series any more.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    private bool IsObservable => Kind is MetricKind.ObservableCounter or MetricKind.ObservableGauge;

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (_series.Find(tags) is not { } series)
        {
            Interlocked.Increment(ref _dropped);
        }
        else if (Kind is MetricKind.Counter or MetricKind.UpDownCounter)
        {
            series.Add(value);
        }
        else if (Kind == MetricKind.Histogram)
        {
            series.Count(value, _buckets);
        }
        else
        {
            series.Set(value);
        }
    }

    /// <summary>Forgets what observable instruments said at the last scrape: what they do not say again is gone.</summary>
    public void StartScrape()
    {
        if (IsObservable)
        {
            _series = New();
        }
    }

    public void WriteTo(ref ExpositionWriter text)
    {
        var headed = false;
        foreach (var series in _series.Snapshot())
        {
            if (!headed)
            {
                text.Header(Name, MetricKinds.TypeOf(Kind), _help);
                headed = true;
            }

            if (Kind == MetricKind.Histogram)
            {
                WriteHistogram(ref text, series);
            }
            else
            {
                text.Sample(Name, "", series.Labels, "", series.Value);
            }
        }
    }

    private void WriteHistogram(ref ExpositionWriter text, Series series)
    {
        // The count is the sum of what the buckets were read as, so that it agrees with them while others count on.
        var count = 0L;
        for (var i = 0; i < _bucketLabels.Length; i++)
        {
            count += series.InBucket(i);
            text.Sample(Name, "_bucket", series.Labels, _bucketLabels[i], count);
        }

        text.Sample(Name, "_sum", series.Labels, "", series.Value);
        text.Sample(Name, "_count", series.Labels, "", count);
    }

    private SeriesTable New() => new(_maximumSeries, Kind == MetricKind.Histogram ? _buckets.Length + 1 : 0);
}
