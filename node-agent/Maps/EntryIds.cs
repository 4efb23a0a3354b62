using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;

namespace Waypoint.NodeAgent.Maps;

/// <summary>
/// The numbers by which entries, slot sets and backends are known in the kernel. A number is never given out twice: a reader that was
/// interrupted with an old one in hand must find nothing, not somebody else.
/// </summary>
internal sealed class EntryIds
{
    private readonly Dictionary<EntryKey, uint> _entries = [];
    private readonly Dictionary<uint, EntryKey> _names = [];
    private uint _lastEntry;
    private uint _lastSet;
    private uint _lastBackend;

    /// <summary>The entry's number; a new one when it has none.</summary>
    public uint this[EntryKey key]
    {
        get
        {
            if (!_entries.TryGetValue(key, out uint id))
            {
                id = ++_lastEntry;
                Assign(key, id);
            }

            return id;
        }
    }

    public bool TryGet(EntryKey key, out uint id) => _entries.TryGetValue(key, out id);

    public EntryKey? NameOf(uint id) => _names.TryGetValue(id, out EntryKey key) ? key : null;

    public void Remove(EntryKey key)
    {
        if (_entries.Remove(key, out uint id))
        {
            _names.Remove(id);
        }
    }

    public uint NextSet() => ++_lastSet;

    public uint NextBackend() => ++_lastBackend;

    /// <summary>
    /// Gives the entries the numbers that their like have in maps written by an earlier life, so that little needs to be rewritten. Names
    /// are not in the maps; an entry is known by the frontends that lead to it, a waypoint by the entries that go through it. A number
    /// is taken over only when all that lead to it agree, or somebody would be led astray while the rest is being rewritten.
    /// </summary>
    public void Adopt(MapMirror mirror, DesiredMaps desired)
    {
        _entries.Clear();
        _names.Clear();
        _lastEntry = mirror.Services.Keys.Concat(mirror.Frontends.Values).Append(0u).Max();
        _lastSet = mirror.SlotSets.Keys.Append(0u).Max();
        _lastBackend = mirror.Backends.Keys.Append(0u).Max();

        Claim(mirror.Frontends.Select(frontend =>
            KeyValuePair.Create(frontend.Value, desired.Frontends.TryGetValue(frontend.Key, out EntryKey key) ? key : (EntryKey?)null)));

        Claim(mirror.Services.Where(service => service.Value.Waypoint != 0).Select(service =>
            KeyValuePair.Create(
                service.Value.Waypoint,
                NameOf(service.Key) is { } key && desired.Entries.TryGetValue(key, out Entry? entry) ? entry.Waypoint : null)));
    }

    private void Claim(IEnumerable<KeyValuePair<uint, EntryKey?>> referrers)
    {
        foreach (IGrouping<uint, EntryKey?> group in referrers.GroupBy(pair => pair.Key, pair => pair.Value))
        {
            EntryKey?[] named = [.. group.Distinct()];
            if (named is [{ } key] && !_entries.ContainsKey(key))
            {
                Assign(key, group.Key);
            }
        }
    }

    private void Assign(EntryKey key, uint id)
    {
        _entries[key] = id;
        _names[id] = key;
    }
}
