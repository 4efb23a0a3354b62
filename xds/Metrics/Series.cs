namespace Waypoint.Xds.Metrics;

/// <summary>One combination of labels and its value. Any thread may write.</summary>
internal sealed class Series
{
    private readonly KeyValuePair<string, object?>[] _tags;
    private readonly long[] _buckets;

    // Whole numbers are exact up to 2^53, as Prometheus itself counts in doubles.
    private double _value;

    public Series(ReadOnlySpan<KeyValuePair<string, object?>> tags, int buckets)
    {
        _tags = tags.ToArray();
        _buckets = new long[buckets];
        Labels = ExpositionWriter.Labels(tags);
    }

    /// <summary>As they are written, without the braces.</summary>
    public string Labels { get; }

    /// <summary>The value, or a histogram's sum.</summary>
    public double Value => Volatile.Read(ref _value);

    public long InBucket(int index) => Interlocked.Read(ref _buckets[index]);

    public void Set(double value) => Volatile.Write(ref _value, value);

    public void Add(double value)
    {
        var seen = Volatile.Read(ref _value);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref _value, seen + value, seen);
            if (before.Equals(seen))
            {
                return;
            }

            seen = before;
        }
    }

    public void Count(double value, double[] bounds)
    {
        var index = 0;
        while (index < bounds.Length && value > bounds[index])
        {
            index++;
        }

        Interlocked.Increment(ref _buckets[index]);
        Add(value);
    }

    /// <summary>Whether these are its tags, in whatever order.</summary>
    public bool Has(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length != _tags.Length)
        {
            return false;
        }

        for (var i = 0; i < tags.Length; i++)
        {
            // One place in the code measures in one order, so the same place nearly always holds the same key.
            if (!IsSame(_tags[i], tags[i]) && !HasElsewhere(tags[i]))
            {
                return false;
            }
        }

        return true;
    }

    private bool HasElsewhere(in KeyValuePair<string, object?> tag)
    {
        foreach (ref readonly var own in _tags.AsSpan())
        {
            if (IsSame(own, tag))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsSame(in KeyValuePair<string, object?> a, in KeyValuePair<string, object?> b)
        => string.Equals(a.Key, b.Key)
            && (ReferenceEquals(a.Value, b.Value) || (a.Value is string text ? b.Value is string other && text == other : Equals(a.Value, b.Value)));
}
