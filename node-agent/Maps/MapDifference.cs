using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;

namespace Waypoint.NodeAgent.Maps;

/// <summary>One way in which the maps are not what is wanted.</summary>
/// <param name="Map">The kernel map.</param>
/// <param name="Key">The entry, in the words of the mesh where it has such.</param>
/// <param name="Problem">What is wrong with it.</param>
internal sealed record MapDifference(string Map, string Key, string Problem)
{
    public static IReadOnlyList<MapDifference> Between(MapMirror held, DesiredMaps desired, EntryIds ids)
    {
        var differences = new List<MapDifference>();
        var known = new HashSet<uint>();
        foreach ((EntryKey key, Entry entry) in desired.Entries)
        {
            uint waypoint = entry.Waypoint is { } through && ids.TryGet(through, out uint waypointId) ? waypointId : 0;
            if (!ids.TryGet(key, out uint id) || !held.Services.TryGetValue(id, out Service service))
            {
                differences.Add(new MapDifference("services", key.ToString(), "missing"));
                continue;
            }

            known.Add(id);
            if (service.Waypoint != waypoint)
            {
                differences.Add(new MapDifference("services", key.ToString(), $"goes through entry {service.Waypoint} instead of {waypoint}"));
            }

            if (service.Flags.HasFlag(ServiceFlags.ForAll) != entry.ForAll)
            {
                differences.Add(new MapDifference("services", key.ToString(), entry.ForAll ? "does not serve all" : "serves all"));
            }

            if (!held.Holds(service, entry.Slots))
            {
                differences.Add(new MapDifference("slots", key.ToString(), $"{service.Count} slots held are not the {entry.Slots.Length} wanted"));
            }
        }

        foreach ((FrontendKey key, EntryKey entry) in desired.Frontends)
        {
            if (!held.Frontends.TryGetValue(key, out uint id))
            {
                differences.Add(new MapDifference("frontends", Name(key), "missing"));
            }
            else if (!ids.TryGet(entry, out uint wanted) || id != wanted)
            {
                differences.Add(new MapDifference("frontends", Name(key), $"leads to entry {id} instead of {entry}"));
            }
        }

        differences.AddRange(held.Frontends.Keys
            .Where(key => !desired.Frontends.ContainsKey(key))
            .Select(key => new MapDifference("frontends", Name(key), "not wanted")));
        differences.AddRange(held.Services.Keys
            .Where(id => !known.Contains(id))
            .Select(id => new MapDifference("services", $"{id}", "not wanted")));
        differences.AddRange(held.SlotSets.Keys.Except(held.Services.Values.Select(service => service.Slots))
            .Select(set => new MapDifference("slots", $"{set}", "not wanted")));
        differences.AddRange(held.Backends
            .Where(backend => !held.IsUsed(backend.Key))
            .Select(backend => new MapDifference("backends", $"{backend.Value.Addr}:{backend.Value.Port}", "not wanted")));
        if (desired.Pods is { } pods)
        {
            differences.AddRange(pods.Keys
                .Where(cookie => !held.Pods.ContainsKey(cookie))
                .Select(cookie => new MapDifference("pods", $"{cookie}", "missing")));
            differences.AddRange(held.Pods.Keys
                .Where(cookie => !pods.ContainsKey(cookie))
                .Select(cookie => new MapDifference("pods", $"{cookie}", "not wanted")));
        }

        return differences;
    }

    private static string Name(FrontendKey key) => $"{key.Addr}:{key.Port}";
}
