using System.Globalization;

namespace Waypoint.NodeAgent.Engine;

/// <summary>The kernel engine cannot be used as asked; the message says what and where.</summary>
internal class KernelEngineException(string message) : Exception(message);

/// <summary>Another version of Waypoint pinned maps of another layout, and it was not allowed to replace them.</summary>
internal sealed class KernelLayoutException(string path, uint found)
    : KernelEngineException(string.Create(CultureInfo.InvariantCulture,
        $"{path} holds maps of layout {found}, this program knows layout {Contract.LayoutVersion}. Replace them (new maps are filled before connections switch to them) or uninstall the other version first."))
{
    public uint Found { get; } = found;
}

/// <summary>A map has no room for another entry. What was in it stays.</summary>
internal sealed class KernelMapFullException(string map, int capacity, int written)
    : KernelEngineException(string.Create(CultureInfo.InvariantCulture, $"Map {map} is full: all of its {capacity} entries are used."))
{
    public string Map { get; } = map;

    public int Capacity { get; } = capacity;

    /// <summary>How many entries of the call, from the first, are in the map nevertheless.</summary>
    public int Written { get; } = written;
}
