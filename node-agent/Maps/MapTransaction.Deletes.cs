using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Workloads;
using Service = Waypoint.NodeAgent.Engine.Service;

namespace Waypoint.NodeAgent.Maps;

// What goes: each step takes what the steps before it have left without a reference.
internal sealed partial class MapTransaction
{
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
}
