using Waypoint.NodeAgent.Enrolment;
using Waypoint.NodeAgent.Maps;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Reconciliation;

/// <summary>What a <see cref="Reconciler"/> knows; valid only inside <see cref="Reconciler.Read"/>.</summary>
/// <param name="Rejected">The resources whose newest version cannot be used, with the reason.</param>
internal readonly record struct ReconcilerState(
    WorkloadStore Store, PodRegistry Pods, MapWriter Writer, IReadOnlyDictionary<string, string> Rejected);

/// <param name="Transactions">Transactions that wrote or deleted anything.</param>
/// <param name="Failures">Transactions that the kernel broke off.</param>
/// <param name="MapsFull">Transactions that found a map full.</param>
internal sealed record ReconcilerStatistics(
    long Transactions = 0, long Writes = 0, long Deletes = 0, long Failures = 0, long MapsFull = 0)
{
    public ReconcilerStatistics With(MapTransactionResult result) => new(
        Transactions + (result.Writes + result.Deletes > 0 ? 1 : 0),
        Writes + result.Writes,
        Deletes + result.Deletes,
        Failures,
        MapsFull + (result.Full.IsEmpty ? 0 : 1));
}
