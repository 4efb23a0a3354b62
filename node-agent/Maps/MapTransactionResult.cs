using System.Collections.Immutable;

namespace Waypoint.NodeAgent.Maps;

/// <param name="Writes">Entries put into maps.</param>
/// <param name="Deletes">Entries deleted from maps.</param>
/// <param name="Full">The maps that had no room; what is missing stays refused (or as it was) until there is.</param>
internal sealed record MapTransactionResult(int Writes, int Deletes, ImmutableArray<MapFull> Full);

/// <param name="Missing">How many entries found no room.</param>
internal sealed record MapFull(string Map, int Capacity, int Held, int Missing);
