using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Workloads;
using Service = Waypoint.NodeAgent.Engine.Service;

namespace Waypoint.NodeAgent.Maps;

/// <summary>
/// One change of the kernel's maps, in an order that lets a reader see each service either as it was or as it will be:
/// <list type="number">
/// <item>pods that become waypoints, so that no redirection to them can catch themselves;</item>
/// <item>backends, then slot sets under numbers that nothing refers to yet;</item>
/// <item>entries, one write each: waypoints before those that go through them;</item>
/// <item>frontends;</item>
/// <item>then what is no longer referred to, in the reverse order, and last the pods that are no waypoints.</item>
/// </list>
/// A map that is full closes, never opens: an entry that cannot have its new backends keeps its old ones, and when it would thereby miss
/// its (new) waypoint, or is new itself, it refuses connections. It stays dirty, and is tried again once deletions have made room.
/// </summary>
internal sealed class MapTransaction(IKernelMaps maps, MapMirror mirror, DesiredMaps desired, EntryIds ids)
{
    private readonly HashSet<uint> _deadEntries = [];
    private readonly HashSet<uint> _deadSets = [];
    private readonly HashSet<uint> _deadBackends = [];
    private readonly Dictionary<string, MapFull> _full = [];
    private int _writes;
    private int _deletes;

    public MapTransactionResult Run(bool sweepStrangers)
    {
        WritePods(pod => pod.IsWaypoint);
        if (sweepStrangers)
        {
            MarkStrangers();
        }

        Write();
        int deletes = _deletes;
        Delete();
        if (_full.Count > 0 && _deletes > deletes)
        {
            _full.Clear();
            Write();
            Delete();
        }

        WritePods(pod => !pod.IsWaypoint);
        DeletePods();
        return new MapTransactionResult(_writes, _deletes, [.. _full.Values]);
    }

    private void Write()
    {
        List<EntryWrite> entries = PlanEntries();
        WriteBackends(entries);
        WriteSlots(entries);
        WriteEntries(entries);
        WriteFrontends();
    }

    private List<EntryWrite> PlanEntries()
    {
        var entries = new List<EntryWrite>(desired.DirtyEntries.Count);
        foreach (EntryKey key in desired.DirtyEntries)
        {
            if (desired.Entries.TryGetValue(key, out Entry? entry))
            {
                uint id = ids[key];
                Service? held = mirror.Services.TryGetValue(id, out Service service) ? service : null;
                entries.Add(new EntryWrite(entry, id, held)
                {
                    Set = held is { } current && mirror.Holds(current, entry.Slots) ? current.Slots : 0,
                });
            }
        }

        // Waypoints come before what goes through them.
        entries.Sort((a, b) => (b.Entry.Key.Kind == UnitKind.Waypoint).CompareTo(a.Entry.Key.Kind == UnitKind.Waypoint));
        return entries;
    }

    private void WriteBackends(List<EntryWrite> entries)
    {
        var added = new Dictionary<Backend, uint>();
        foreach (EntryWrite write in entries.Where(write => write.NeedsSet))
        {
            foreach (Backend backend in write.Entry.Slots)
            {
                if (!added.ContainsKey(backend) && !mirror.TryGetBackendId(backend, out _))
                {
                    added.Add(backend, ids.NextBackend());
                }
            }
        }

        int written = Put(maps.Backends, [.. added.Select(backend => KeyValuePair.Create(backend.Value, backend.Key))], mirror.Backends.Count);
        foreach ((Backend backend, uint id) in added.Take(written))
        {
            mirror.AddBackend(id, backend);
        }
    }

    private void WriteSlots(List<EntryWrite> entries)
    {
        var slots = new List<KeyValuePair<SlotKey, Slot>>();
        var sets = new List<(EntryWrite Write, uint[] Backends)>();
        foreach (EntryWrite write in entries.Where(write => write.NeedsSet))
        {
            uint[] backends = new uint[write.Entry.Slots.Length];
            for (int i = 0; i < backends.Length; i++)
            {
                write.Failed |= !mirror.TryGetBackendId(write.Entry.Slots[i], out backends[i]);
            }

            if (write.Failed)
            {
                _deadBackends.UnionWith(backends);
                continue;
            }

            write.Set = ids.NextSet();
            sets.Add((write, backends));
            for (uint i = 0; i < backends.Length; i++)
            {
                slots.Add(KeyValuePair.Create(new SlotKey(write.Set, i), new Slot(backends[i])));
            }
        }

        int written = Put(maps.Slots, slots, mirror.SlotCount);
        foreach ((EntryWrite write, uint[] backends) in sets)
        {
            int complete = Math.Clamp(written, 0, backends.Length);
            written -= backends.Length;
            write.Failed = complete < backends.Length;
            if (write.Failed)
            {
                _deadBackends.UnionWith(backends);
                _deadSets.Add(write.Set);
            }

            mirror.AddSlotSet(write.Set, backends[..complete]);
        }
    }

    private void WriteEntries(List<EntryWrite> entries)
    {
        var puts = new List<(EntryWrite Write, Service Value)>();
        foreach (EntryWrite write in entries)
        {
            uint waypoint = write.Entry.Waypoint is { } key ? ids[key] : 0;
            ServiceFlags flags = write.Entry.Key.Kind == UnitKind.Workload ? ServiceFlags.Direct : ServiceFlags.None;
            Service value = !write.Failed ? new Service(write.Set, (uint)write.Entry.Slots.Length, waypoint, flags)
                : write.Held is { } held && held.Waypoint == waypoint ? held
                : new Service(0, 0, waypoint, flags);
            if (write.Held != value)
            {
                puts.Add((write, value));
            }
        }

        int written = Put(maps.Services, [.. puts.Select(put => KeyValuePair.Create(put.Write.Id, put.Value))], mirror.Services.Count);
        foreach ((EntryWrite write, Service value) in puts.Skip(written))
        {
            write.Failed = true;
            _deadSets.Add(value.Slots);
        }

        foreach ((EntryWrite write, Service value) in puts.Take(written))
        {
            mirror.Services[write.Id] = value;
            if (write.Held is { } held && held.Slots != value.Slots)
            {
                _deadSets.Add(held.Slots);
            }
        }

        foreach (EntryWrite write in entries.Where(write => !write.Failed))
        {
            desired.DirtyEntries.Remove(write.Entry.Key);
        }
    }

    private void WriteFrontends()
    {
        var puts = new List<KeyValuePair<FrontendKey, Frontend>>();
        var done = new List<FrontendKey>();
        foreach (FrontendKey key in desired.DirtyFrontends)
        {
            // An entry that found no room must not be led to: the kernel would refuse where it may know nothing of the address yet.
            if (desired.Frontends.TryGetValue(key, out EntryKey entry) && mirror.Services.ContainsKey(ids[entry]))
            {
                if (mirror.Frontends.TryGetValue(key, out uint held) && held == ids[entry])
                {
                    done.Add(key);
                }
                else
                {
                    puts.Add(KeyValuePair.Create(key, new Frontend(ids[entry])));
                }
            }
        }

        int written = Put(maps.Frontends, puts, mirror.Frontends.Count);
        foreach ((FrontendKey key, Frontend frontend) in puts.Take(written))
        {
            mirror.Frontends[key] = frontend.Service;
            done.Add(key);
        }

        desired.DirtyFrontends.ExceptWith(done);
    }

    private void Delete()
    {
        FrontendKey[] frontends = [.. desired.DirtyFrontends.Where(key => !desired.Frontends.ContainsKey(key))];
        desired.DirtyFrontends.ExceptWith(frontends);
        Drop<FrontendKey, Frontend>(maps.Frontends, [.. frontends.Where(mirror.Frontends.Remove)]);

        foreach (EntryKey key in desired.DirtyEntries.Where(key => !desired.Entries.ContainsKey(key)).ToArray())
        {
            desired.DirtyEntries.Remove(key);
            if (ids.TryGet(key, out uint id))
            {
                ids.Remove(key);
                _deadEntries.Add(id);
            }
        }

        // What goes through a waypoint leaves before the waypoint does.
        uint[] entries = [.. _deadEntries.Where(mirror.Services.ContainsKey).OrderBy(id => mirror.Services[id].Waypoint == 0)];
        foreach (uint id in entries)
        {
            mirror.Services.Remove(id, out Service service);
            _deadSets.Add(service.Slots);
        }

        Drop(maps.Services, entries);
        _deadEntries.Clear();

        var slots = new List<SlotKey>();
        foreach (uint set in _deadSets)
        {
            if (mirror.SlotSets.TryGetValue(set, out uint[]? backends))
            {
                for (uint i = 0; i < backends.Length; i++)
                {
                    slots.Add(new SlotKey(set, i));
                }

                _deadBackends.UnionWith(backends);
                mirror.RemoveSlotSet(set);
            }
        }

        Drop(maps.Slots, slots);
        _deadSets.Clear();

        uint[] unused = [.. _deadBackends.Where(id => mirror.Backends.ContainsKey(id) && !mirror.IsUsed(id))];
        foreach (uint id in unused)
        {
            mirror.RemoveBackend(id);
        }

        Drop(maps.Backends, unused);
        _deadBackends.Clear();
    }

    private void MarkStrangers()
    {
        desired.DirtyFrontends.UnionWith(mirror.Frontends.Keys.Where(key => !desired.Frontends.ContainsKey(key)));
        HashSet<uint> known = [.. desired.Entries.Keys.Select(key => ids[key])];
        _deadEntries.UnionWith(mirror.Services.Keys.Where(id => !known.Contains(id)));
        _deadSets.UnionWith(mirror.SlotSets.Keys.Except(mirror.Services.Values.Select(service => service.Slots)));
        _deadBackends.UnionWith(mirror.Backends.Keys);
    }

    private void WritePods(Func<PodIntent, bool> which)
    {
        foreach ((ulong cookie, PodIntent intent) in desired.Pods.Where(pod => which(pod.Value)))
        {
            Pod pod = ToPod(intent);
            if ((!mirror.Pods.TryGetValue(cookie, out Pod held) || held != pod)
                && Put(maps.Pods, [KeyValuePair.Create(cookie, pod)], mirror.Pods.Count) == 1)
            {
                mirror.Pods[cookie] = pod;
            }
        }
    }

    private void DeletePods()
    {
        ulong[] gone = [.. mirror.Pods.Keys.Where(cookie => !desired.Pods.ContainsKey(cookie))];
        Drop(maps.Pods, gone);
        foreach (ulong cookie in gone)
        {
            mirror.Pods.Remove(cookie);
        }
    }

    private Pod ToPod(PodIntent intent) => new(
        intent.IsWaypoint ? PodFlags.Waypoint : PodFlags.None,
        intent.OwnWaypoint is { } own ? ids[EntryKey.Waypoint(own, AddressFamily.IPv4)] : 0,
        intent.Addresses.IPv4?.ToKernel() ?? default,
        intent.Addresses.IPv6?.ToKernel() ?? default,
        intent.OwnWaypoint is { } own6 ? ids[EntryKey.Waypoint(own6, AddressFamily.IPv6)] : 0);

    /// <returns>How many of the entries, from the first, are in the map now.</returns>
    private int Put<TKey, TValue>(IKernelMap<TKey, TValue> map, IReadOnlyCollection<KeyValuePair<TKey, TValue>> entries, int held)
        where TKey : unmanaged
        where TValue : unmanaged
    {
        int written = entries.Count;
        if (written > 0)
        {
            try
            {
                map.Set(entries);
            }
            catch (KernelMapFullException full)
            {
                written = full.Written;
                MapFull before = _full.GetValueOrDefault(map.Name, new MapFull(map.Name, map.Capacity, held, 0));
                _full[map.Name] = before with { Missing = before.Missing + entries.Count - written };
            }
        }

        _writes += written;
        return written;
    }

    private void Drop<TKey, TValue>(IKernelMap<TKey, TValue> map, IReadOnlyCollection<TKey> keys)
        where TKey : unmanaged
        where TValue : unmanaged
    {
        if (keys.Count > 0)
        {
            map.Remove(keys);
            _deletes += keys.Count;
        }
    }

    /// <summary>An entry on its way into the map.</summary>
    private sealed class EntryWrite(Entry entry, uint id, Service? held)
    {
        public Entry Entry { get; } = entry;

        public uint Id { get; } = id;

        public Service? Held { get; } = held;

        /// <summary>The set with its slots; 0 when it has none, or when it has yet to be written.</summary>
        public uint Set { get; set; }

        public bool NeedsSet => Set == 0 && !Entry.Slots.IsEmpty;

        public bool Failed { get; set; }
    }
}
