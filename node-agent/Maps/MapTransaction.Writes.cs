using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Workloads;
using Service = Waypoint.NodeAgent.Engine.Service;

namespace Waypoint.NodeAgent.Maps;

// What comes: each step refers only to what the steps before it have put there.
internal sealed partial class MapTransaction
{
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
            ServiceFlags flags = (write.Entry.Key.Kind == UnitKind.Workload ? ServiceFlags.Direct : ServiceFlags.None)
                | (write.Entry.ForAll ? ServiceFlags.ForAll : ServiceFlags.None);
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
