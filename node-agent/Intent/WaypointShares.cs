using System.Collections.Immutable;
using Waypoint.NodeAgent.Engine;

namespace Waypoint.NodeAgent.Intent;

/// <summary>
/// Shares connections out among waypoints by weight: the kernel picks any slot, so an instance comes as often as its waypoint's weight asks.
/// The loop rule's second guard compares a service's waypoint with a pod's own, and does not see one among several; the first guard does not
/// depend on what was dialled.
/// </summary>
internal static class WaypointShares
{
    // Shares finer than this are rounded.
    private const int MaxSlots = 1024;

    /// <param name="waypoints">The instances of each, an instance of greater capacity more than once. One without any leaves its share to the others.</param>
    public static ImmutableArray<Backend> ToSlots(IEnumerable<(ImmutableArray<Backend> Instances, uint Weight)> waypoints)
    {
        (ImmutableArray<Backend> Instances, uint Weight)[] alive = [.. waypoints.Where(waypoint => !waypoint.Instances.IsEmpty)];
        double total = alive.Sum(waypoint => (double)waypoint.Weight);
        for (int count = alive.Sum(waypoint => waypoint.Instances.Length); count < MaxSlots; count++)
        {
            if (Counts(alive, total, count) is { } exact)
            {
                return Repeat(alive, exact);
            }
        }

        return Repeat(alive, [.. alive.Select(waypoint => (int)Math.Max(1, Math.Round(MaxSlots * waypoint.Weight / total / waypoint.Instances.Length)))]);
    }

    /// <summary>How often each waypoint's instances come when there are so many slots; null when the weights cannot be met.</summary>
    private static int[]? Counts((ImmutableArray<Backend> Instances, uint Weight)[] waypoints, double total, int slots)
    {
        var counts = new int[waypoints.Length];
        for (int i = 0; i < counts.Length; i++)
        {
            double count = slots * (waypoints[i].Weight / total) / waypoints[i].Instances.Length;
            counts[i] = (int)Math.Round(count);
            if (counts[i] == 0 || Math.Abs(count - counts[i]) > 1e-9)
            {
                return null;
            }
        }

        return counts;
    }

    private static ImmutableArray<Backend> Repeat((ImmutableArray<Backend> Instances, uint Weight)[] waypoints, int[] counts) =>
        [.. waypoints.Zip(counts).SelectMany(share => share.First.Instances.SelectMany(instance => Enumerable.Repeat(instance, share.Second)))];
}
