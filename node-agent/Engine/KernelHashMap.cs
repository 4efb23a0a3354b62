using System.Globalization;
using System.Runtime.InteropServices;
using Waypoint.NodeAgent.Libbpf;

namespace Waypoint.NodeAgent.Engine;

/// <summary>One of the contract's hash maps. Each call is a system call; the methods for many entries need a few.</summary>
/// <remarks>Safe for several threads; a batch is not atomic as a whole, each of its entries is.</remarks>
internal sealed unsafe class KernelHashMap<TKey, TValue> : IKernelMap<TKey, TValue>
    where TKey : unmanaged
    where TValue : unmanaged
{
    // Large enough that the system call's own cost vanishes, small enough for the stack of keys and values to be cheap.
    private const int BatchSize = 4096;

    private readonly BpfDescriptor _map;

    public KernelHashMap(string name, BpfDescriptor map)
    {
        Name = name;
        _map = map;
        var info = BpfInfo.Map(map);
        Capacity = (int)info.MaxEntries;
        if (info.KeySize != sizeof(TKey) || info.ValueSize != sizeof(Checked))
        {
            throw new KernelEngineException(string.Create(CultureInfo.InvariantCulture,
                $"Map {name} has keys of {info.KeySize} and values of {info.ValueSize} bytes, not {sizeof(TKey)} and {sizeof(Checked)}."));
        }
    }

    public string Name { get; }

    /// <summary>How many entries fit.</summary>
    public int Capacity { get; }

    public bool TryGet(TKey key, out TValue value)
    {
        Checked found;
        if (Native.MapLookup(_map, &key, &found) == 0)
        {
            value = found.Value;
            return true;
        }

        value = default;
        return Marshal.GetLastPInvokeError() == Errno.NoEntry ? false : throw LibbpfException.Last($"read map {Name}");
    }

    /// <exception cref="KernelMapFullException">The map has no room for another entry.</exception>
    public void Set(TKey key, TValue value)
    {
        var entry = new Checked(CheckOf(key), value);
        if (Native.MapUpdate(_map, &key, &entry, 0) < 0)
        {
            throw WriteFailed(written: 0);
        }
    }

    /// <summary>Writes the entries in their order.</summary>
    /// <exception cref="KernelMapFullException">The map has no room; the entries before the first that did not fit are written.</exception>
    public void Set(IReadOnlyCollection<KeyValuePair<TKey, TValue>> entries)
    {
        var keys = new TKey[Math.Min(entries.Count, BatchSize)];
        var values = new Checked[keys.Length];
        var count = 0;
        var written = 0;
        foreach (var (key, value) in entries)
        {
            keys[count] = key;
            values[count++] = new Checked(CheckOf(key), value);
            if (count == keys.Length)
            {
                SetBatch(keys, values, count, written);
                written += count;
                count = 0;
            }
        }

        if (count > 0)
        {
            SetBatch(keys, values, count, written);
        }
    }

    /// <returns>Whether there was such an entry.</returns>
    public bool Remove(TKey key)
    {
        if (Native.MapDelete(_map, &key) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() == Errno.NoEntry ? false : throw LibbpfException.Last($"delete from map {Name}");
    }

    /// <summary>Deletes the entries in their order; those that do not exist are passed over.</summary>
    public void Remove(IReadOnlyCollection<TKey> keys)
    {
        var rest = keys as TKey[] ?? [.. keys];
        fixed (TKey* all = rest)
        {
            for (var done = 0; done < rest.Length;)
            {
                var count = (uint)Math.Min(rest.Length - done, BatchSize);
                if (Native.MapDeleteBatch(_map, all + done, &count, null) == 0)
                {
                    done += (int)count;
                    continue;
                }

                if (Marshal.GetLastPInvokeError() != Errno.NoEntry)
                {
                    throw LibbpfException.Last($"delete from map {Name}");
                }

                // The batch stopped at the entry that does not exist.
                done += (int)count + 1;
            }
        }
    }

    /// <summary>All entries. What is written meanwhile may be in it or not.</summary>
    public Dictionary<TKey, TValue> ReadAll()
    {
        var all = new Dictionary<TKey, TValue>();
        var keys = new TKey[BatchSize];
        var values = new Checked[BatchSize];
        uint position = 0;
        var first = true;
        while (true)
        {
            var count = (uint)keys.Length;
            int errno;
            fixed (TKey* keyBuffer = keys)
            fixed (Checked* valueBuffer = values)
            {
                // The position is the number of a bucket: 4 bytes, whatever the key's size.
                var result = Native.MapLookupBatch(_map, first ? null : &position, &position, keyBuffer, valueBuffer, &count, null);
                errno = result == 0 ? 0 : Marshal.GetLastPInvokeError();
            }

            if (errno == Errno.NoSpace)
            {
                // One bucket holds more than the whole buffer; nothing was copied.
                keys = new TKey[keys.Length * 2];
                values = new Checked[keys.Length];
                continue;
            }

            if (errno is not (0 or Errno.NoEntry))
            {
                throw new LibbpfException($"read map {Name}", errno);
            }

            for (var index = 0; index < count; index++)
            {
                all[keys[index]] = values[index].Value;
            }

            if (errno == Errno.NoEntry)
            {
                return all;
            }

            first = false;
        }
    }

    private void SetBatch(TKey[] keys, Checked[] values, int length, int writtenBefore)
    {
        var count = (uint)length;
        fixed (TKey* keyBuffer = keys)
        fixed (Checked* valueBuffer = values)
        {
            if (Native.MapUpdateBatch(_map, keyBuffer, valueBuffer, &count, null) < 0)
            {
                throw WriteFailed(writtenBefore + (int)count);
            }
        }
    }

    private Exception WriteFailed(int written) => Marshal.GetLastPInvokeError() == Errno.TooBig
        ? new KernelMapFullException(Name, Capacity, written)
        : LibbpfException.Last($"write map {Name}");

    private static uint CheckOf(in TKey key)
    {
        uint hash = 0;
        foreach (var word in MemoryMarshal.Cast<TKey, uint>(new ReadOnlySpan<TKey>(in key)))
        {
            hash = (hash ^ word) * 0x9e3779b1;
        }

        return hash;
    }

    /// <summary>A value as it is in the kernel; the contract says why.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Checked(uint Check, TValue Value);
}
