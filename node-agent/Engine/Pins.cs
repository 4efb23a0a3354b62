using Waypoint.NodeAgent.Libbpf;

namespace Waypoint.NodeAgent.Engine;

/// <summary>The names under which the kernel engine outlives its processes: maps/, programs/ and links/.</summary>
internal sealed class Pins(string root)
{
    private string Maps { get; } = Path.Combine(root, "maps");

    private string Programs { get; } = Path.Combine(root, "programs");

    private string Links { get; } = Path.Combine(root, "links");

    public string Map(string name) => Path.Combine(Maps, name);

    public string Program(string name) => Path.Combine(Programs, name);

    public string Link(string name) => Path.Combine(Links, name);

    public void CreateDirectories()
    {
        Directory.CreateDirectory(Maps);
        Directory.CreateDirectory(Programs);
        Directory.CreateDirectory(Links);
    }

    /// <summary>The layout of the pinned maps; null when there is no complete set of maps.</summary>
    public unsafe uint? LayoutVersion()
    {
        using var map = BpfDescriptor.FindPinned(Map("settings"));
        if (map is null)
        {
            return null;
        }

        // The layout version is the first word of every layout, however long the value is.
        var value = new byte[BpfInfo.Map(map).ValueSize];
        uint key = 0;
        fixed (byte* bytes = value)
        {
            return Native.MapLookup(map, &key, bytes) == 0
                ? *(uint*)bytes
                : throw LibbpfException.Last($"read {Map("settings")}");
        }
    }

    /// <summary>Removes the pins: links first, so that no program is left in force on a part of its maps.</summary>
    public void RemoveAll()
    {
        foreach (var directory in (string[])[Links, Programs, Maps])
        {
            if (Directory.Exists(directory))
            {
                foreach (var pin in Directory.GetFiles(directory))
                {
                    File.Delete(pin);
                }

                Directory.Delete(directory);
            }
        }

        if (Directory.Exists(root) && !Directory.EnumerateFileSystemEntries(root).Any() && !BpfFileSystem.IsMountPoint(root))
        {
            Directory.Delete(root);
        }
    }
}
