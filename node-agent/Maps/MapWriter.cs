using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Intent;

namespace Waypoint.NodeAgent.Maps;

/// <summary>
/// Brings the kernel's maps to what is wanted, by transactions of differences. Not thread-safe; one writer owns it.
/// </summary>
internal sealed class MapWriter(IKernelMaps maps)
{
    private readonly DesiredMaps _desired = new();
    private readonly EntryIds _ids = new();
    private bool _known;
    private bool _strangers;

    public MapMirror Mirror { get; private set; } = MapMirror.Read(maps);

    /// <summary>Something that is wanted is not in the maps yet.</summary>
    public bool IsBehind => !_known || _desired.DirtyEntries.Count > 0 || _desired.DirtyFrontends.Count > 0;

    /// <summary>
    /// Writes what changed. The first call, and the first after a failure (when nobody can know what is in the maps), reads the maps and
    /// reconciles everything.
    /// </summary>
    /// <param name="changes">What differs from the call before.</param>
    /// <param name="pods">All enrolled pods; null when nobody can say yet what they are: those in the map stay as they are.</param>
    /// <param name="keepStrangers">
    /// Leave what nothing accounts for: what an earlier life wrote may belong to a resource whose first new version was bad.
    /// </param>
    public MapTransactionResult Commit(
        IReadOnlyList<UnitChange> changes, ImmutableDictionary<ulong, PodIntent>? pods, bool keepStrangers)
    {
        _desired.Update(changes);
        _desired.Pods = pods;
        if (!_known)
        {
            Mirror = MapMirror.Read(maps);
            _ids.Adopt(Mirror, _desired);
            _desired.DirtyEntries.UnionWith(_desired.Entries.Keys);
            _desired.DirtyFrontends.UnionWith(_desired.Frontends.Keys);
            _strangers = true;
        }

        _known = false;
        MapTransactionResult result = new MapTransaction(maps, Mirror, _desired, _ids).Run(_strangers && !keepStrangers);
        _known = true;
        _strangers &= keepStrangers;
        return result;
    }

    /// <summary>Makes the next call read the maps again: what is wanted has new names for what is in them, or others have written to them.</summary>
    public void ReadAgain() => _known = false;

    /// <summary>
    /// Enrols a pod while nothing is known of the mesh but what an earlier life left in the maps, which tells whether the pod is a
    /// waypoint.
    /// </summary>
    /// <exception cref="KernelMapFullException">There is no room for another pod.</exception>
    public void EnrolAhead(ulong cookie, PodAddresses addresses)
    {
        MapMirror mirror = MapMirror.Read(maps);
        HashSet<uint> waypoints = [.. mirror.Services.Values.Select(service => service.Waypoint)];
        KernelAddress ipv4 = addresses.IPv4?.ToKernel() ?? default;
        KernelAddress ipv6 = addresses.IPv6?.ToKernel() ?? default;
        bool isWaypoint = mirror.Services
            .Where(service => waypoints.Contains(service.Key))
            .SelectMany(service => mirror.SlotSets.GetValueOrDefault(service.Value.Slots, []))
            .Select(backend => mirror.Backends.GetValueOrDefault(backend).Addr)
            .Any(address => address != default && (address == ipv4 || address == ipv6));
        maps.Pods.Set([KeyValuePair.Create(cookie, new Pod(isWaypoint ? PodFlags.Waypoint : PodFlags.None, 0, ipv4, ipv6))]);
    }

    /// <summary>What an entry's number stands for; null when it is no longer known.</summary>
    public EntryKey? NameOf(uint entry) => _ids.NameOf(entry);

    /// <summary>
    /// Reads the maps afresh and names what they lack, hold too much of or hold in another version than wanted; empty when they
    /// have converged.
    /// </summary>
    public IReadOnlyList<MapDifference> Difference() => MapDifference.Between(MapMirror.Read(maps), _desired, _ids);
}
