using Waypoint.NodeAgent.Libbpf;

namespace Waypoint.NodeAgent.Engine;

/// <summary>What the kernel programs count, per processor, since the maps were made.</summary>
internal sealed unsafe class KernelCounters(BpfDescriptor map)
{
    private readonly int _processors = PossibleProcessors();

    /// <summary>The sum over all processors.</summary>
    public ulong this[Counter counter]
    {
        get
        {
            var key = (uint)counter;
            var perProcessor = new ulong[_processors];
            fixed (ulong* values = perProcessor)
            {
                if (Native.MapLookup(map, &key, values) < 0)
                {
                    throw LibbpfException.Last($"read counter {counter}");
                }
            }

            ulong sum = 0;
            foreach (var value in perProcessor)
            {
                sum += value;
            }

            return sum;
        }
    }

    /// <summary>All counters, in the order of <see cref="Counter"/>.</summary>
    public IReadOnlyList<KeyValuePair<Counter, ulong>> ReadAll()
    {
        var all = new KeyValuePair<Counter, ulong>[(int)Counter.Count];
        for (var index = 0; index < all.Length; index++)
        {
            all[index] = new((Counter)index, this[(Counter)index]);
        }

        return all;
    }

    // The kernel copies one value for each processor that could ever be plugged in.
    private static int PossibleProcessors()
    {
        var ranges = File.ReadAllText("/sys/devices/system/cpu/possible").AsSpan().Trim();
        return int.Parse(ranges[(ranges.LastIndexOfAny('-', ',') + 1)..], System.Globalization.CultureInfo.InvariantCulture) + 1;
    }
}
