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
    private bool _adopted;
    private bool _strangers;

    public MapMirror Mirror { get; private set; } = new();

    /// <summary>
    /// Writes what changed. The first call (and the first after a failure, when nobody can know what is in the maps) reads the maps
    /// and reconciles everything.
    /// </summary>
    /// <param name="changes">What differs from the call before.</param>
    /// <param name="pods">All enrolled pods.</param>
    /// <param name="keepStrangers">
    /// Leave what nothing accounts for: what an earlier life wrote may belong to a resource whose first new version was bad.
    /// </param>
    public MapTransactionResult Commit(
        IReadOnlyList<UnitChange> changes, ImmutableDictionary<ulong, PodIntent> pods, bool keepStrangers)
    {
        _desired.Update(changes);
        _desired.Pods = pods;
        if (!_adopted)
        {
            Mirror = MapMirror.Read(maps);
            _ids.Adopt(Mirror, _desired);
            _desired.DirtyEntries.UnionWith(_desired.Entries.Keys);
            _desired.DirtyFrontends.UnionWith(_desired.Frontends.Keys);
            _strangers = true;
        }

        _adopted = false;
        MapTransactionResult result = new MapTransaction(maps, Mirror, _desired, _ids).Run(_strangers && !keepStrangers);
        _adopted = true;
        _strangers &= keepStrangers;
        return result;
    }

    /// <summary>
    /// Reads the maps afresh and names what they lack, hold too much of or hold in another version than wanted; empty when they
    /// have converged.
    /// </summary>
    public IReadOnlyList<MapDifference> Difference() => MapDifference.Between(MapMirror.Read(maps), _desired, _ids);
}
