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
internal sealed partial class MapTransaction(IKernelMaps maps, MapMirror mirror, DesiredMaps desired, EntryIds ids)
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

    private void WritePods(Func<PodIntent, bool> which)
    {
        foreach ((ulong cookie, PodIntent intent) in (desired.Pods ?? []).Where(pod => which(pod.Value)))
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
        ulong[] gone = desired.Pods is { } pods ? [.. mirror.Pods.Keys.Where(cookie => !pods.ContainsKey(cookie))] : [];
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
}
