using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;

namespace Waypoint.NodeAgent.Maps;

/// <summary>
/// What the maps shall hold, by name, and which names may differ from what they do hold. A name stays dirty until it was written, so
/// what failed (a full map) is tried again with the next transaction.
/// </summary>
internal sealed class DesiredMaps
{
    public Dictionary<EntryKey, Entry> Entries { get; } = [];

    public Dictionary<FrontendKey, EntryKey> Frontends { get; } = [];

    /// <summary>Null: nobody knows yet, those that are in the map stay.</summary>
    public ImmutableDictionary<ulong, PodIntent>? Pods { get; set; } = ImmutableDictionary<ulong, PodIntent>.Empty;

    public HashSet<EntryKey> DirtyEntries { get; } = [];

    public HashSet<FrontendKey> DirtyFrontends { get; } = [];

    public void Update(IReadOnlyList<UnitChange> changes)
    {
        // All that goes before all that comes: a frontend may move from one unit to another.
        foreach (Unit before in changes.Select(change => change.Before).OfType<Unit>())
        {
            foreach (Entry entry in before.Entries)
            {
                Entries.Remove(entry.Key);
                DirtyEntries.Add(entry.Key);
            }

            foreach ((FrontendKey frontend, _) in before.Frontends)
            {
                Frontends.Remove(frontend);
                DirtyFrontends.Add(frontend);
            }
        }

        foreach (Unit after in changes.Select(change => change.After).OfType<Unit>())
        {
            foreach (Entry entry in after.Entries)
            {
                Entries[entry.Key] = entry;
                DirtyEntries.Add(entry.Key);
            }

            foreach ((FrontendKey frontend, EntryKey entry) in after.Frontends)
            {
                Frontends[frontend] = entry;
                DirtyFrontends.Add(frontend);
            }
        }
    }
}
