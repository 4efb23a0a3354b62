using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Workloads;
using Service = Waypoint.NodeAgent.Engine.Service;

namespace Waypoint.NodeAgent.Maps;

/// <summary>What the kernel's maps hold, kept in user space so that only differences are written.</summary>
internal sealed class MapMirror
{
    private readonly Dictionary<Backend, uint> _backendIds = [];
    private readonly Dictionary<uint, int> _backendUses = [];

    public Dictionary<FrontendKey, uint> Frontends { get; } = [];

    public Dictionary<uint, Service> Services { get; } = [];

    /// <summary>The backends of each slot set, in order of index.</summary>
    public Dictionary<uint, uint[]> SlotSets { get; } = [];

    public Dictionary<uint, Backend> Backends { get; } = [];

    public Dictionary<ulong, Pod> Pods { get; } = [];

    public int SlotCount { get; private set; }

    /// <summary>Reads all maps, as a program that finds them pinned must.</summary>
    public static MapMirror Read(IKernelMaps maps)
    {
        var mirror = new MapMirror();
        foreach ((uint id, Backend backend) in maps.Backends.ReadAll())
        {
            mirror.AddBackend(id, backend);
        }

        foreach (IGrouping<uint, KeyValuePair<SlotKey, Slot>> set in maps.Slots.ReadAll().GroupBy(slot => slot.Key.Set))
        {
            // A set that its writer did not finish has holes; as long as nothing refers to it they do not matter, and it will be deleted.
            uint[] slots = new uint[set.Max(slot => slot.Key.Index) + 1];
            foreach ((SlotKey key, Slot slot) in set)
            {
                slots[key.Index] = slot.Backend;
            }

            mirror.AddSlotSet(set.Key, slots);
        }

        foreach ((uint id, Service service) in maps.Services.ReadAll())
        {
            mirror.Services[id] = service;
        }

        foreach ((FrontendKey key, Frontend frontend) in maps.Frontends.ReadAll())
        {
            mirror.Frontends[key] = frontend.Service;
        }

        foreach ((ulong cookie, Pod pod) in maps.Pods.ReadAll())
        {
            mirror.Pods[cookie] = pod;
        }

        return mirror;
    }

    public bool TryGetBackendId(Backend backend, out uint id) => _backendIds.TryGetValue(backend, out id);

    public void AddBackend(uint id, Backend backend)
    {
        Backends[id] = backend;
        _backendIds[backend] = id;
    }

    public void RemoveBackend(uint id)
    {
        if (Backends.Remove(id, out Backend backend) && _backendIds.TryGetValue(backend, out uint known) && known == id)
        {
            _backendIds.Remove(backend);
        }
    }

    public void AddSlotSet(uint set, uint[] slots)
    {
        SlotSets[set] = slots;
        SlotCount += slots.Length;
        foreach (uint backend in slots)
        {
            _backendUses[backend] = _backendUses.GetValueOrDefault(backend) + 1;
        }
    }

    public void RemoveSlotSet(uint set)
    {
        if (!SlotSets.Remove(set, out uint[]? slots))
        {
            return;
        }

        SlotCount -= slots.Length;
        foreach (uint backend in slots)
        {
            if (--_backendUses[backend] == 0)
            {
                _backendUses.Remove(backend);
            }
        }
    }

    /// <summary>Whether an entry's slots are these backends, in this order.</summary>
    public bool Holds(Service service, ImmutableArray<Backend> slots)
    {
        if (service.Count != slots.Length)
        {
            return false;
        }

        if (slots.IsEmpty)
        {
            return service.Slots == 0;
        }

        if (!SlotSets.TryGetValue(service.Slots, out uint[]? held) || held.Length != slots.Length)
        {
            return false;
        }

        for (int i = 0; i < held.Length; i++)
        {
            if (!Backends.TryGetValue(held[i], out Backend backend) || backend != slots[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The addresses that lead to an entry of that kind by any port.</summary>
    public HashSet<InternetAddress> AddressesOf(Func<Service, bool> kind) => [.. Frontends
        .Where(frontend => Services.TryGetValue(frontend.Value, out Service service) && kind(service))
        .Select(frontend => InternetAddress.From(frontend.Key.Addr))];

    public bool IsUsed(uint backend) => _backendUses.ContainsKey(backend);
}
