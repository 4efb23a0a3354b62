using Waypoint.NodeAgent.Engine;

namespace Waypoint.NodeAgent.Tests.Maps;

/// <summary>The kernel's maps as a reader meets them: it may look between any two entries that are written or deleted.</summary>
internal sealed class InMemoryKernelMaps : IKernelMaps
{
    public InMemoryKernelMaps()
    {
        Pods = new("pods", this);
        Frontends = new("frontends", this);
        Services = new("services", this);
        Slots = new("slots", this);
        Backends = new("backends", this);
    }

    /// <summary>Called after each single write or deletion.</summary>
    public Action Step { get; set; } = () => { };

    /// <summary>Single writes and deletions so far.</summary>
    public int Steps { get; private set; }

    public Map<ulong, Pod> Pods { get; }

    public Map<FrontendKey, Frontend> Frontends { get; }

    public Map<uint, Service> Services { get; }

    public Map<SlotKey, Slot> Slots { get; }

    public Map<uint, Backend> Backends { get; }

    IKernelMap<ulong, Pod> IKernelMaps.Pods => Pods;

    IKernelMap<FrontendKey, Frontend> IKernelMaps.Frontends => Frontends;

    IKernelMap<uint, Service> IKernelMaps.Services => Services;

    IKernelMap<SlotKey, Slot> IKernelMaps.Slots => Slots;

    IKernelMap<uint, Backend> IKernelMaps.Backends => Backends;

    internal sealed class Map<TKey, TValue>(string name, InMemoryKernelMaps owner) : IKernelMap<TKey, TValue>
        where TKey : unmanaged
        where TValue : unmanaged
    {
        public string Name => name;

        public int Capacity { get; set; } = int.MaxValue;

        public Dictionary<TKey, TValue> Entries { get; } = [];

        public Dictionary<TKey, TValue> ReadAll() => new(Entries);

        public void Set(IReadOnlyCollection<KeyValuePair<TKey, TValue>> entries)
        {
            int written = 0;
            foreach ((TKey key, TValue value) in entries)
            {
                if (Entries.Count >= Capacity && !Entries.ContainsKey(key))
                {
                    throw new KernelMapFullException(name, Capacity, written);
                }

                Entries[key] = value;
                written++;
                owner.Stepped();
            }
        }

        public void Remove(IReadOnlyCollection<TKey> keys)
        {
            foreach (TKey key in keys)
            {
                Entries.Remove(key);
                owner.Stepped();
            }
        }
    }

    private void Stepped()
    {
        Steps++;
        Step();
    }
}
