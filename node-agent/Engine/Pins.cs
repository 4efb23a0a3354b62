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

    /// <summary>Takes all programs out of force and removes the pins.</summary>
    public void RemoveAll()
    {
        // connect() first: it promises what the others keep. Removing a link's pin would detach it too, but some time later.
        foreach (var pin in In(Links).OrderByDescending(pin => Path.GetFileName(pin).StartsWith("connect", StringComparison.Ordinal)))
        {
            using var link = BpfDescriptor.FindPinned(pin);
            if (link is not null && Native.LinkDetach(link) < 0)
            {
                throw LibbpfException.Last($"detach {pin}");
            }
        }

        foreach (var directory in (string[])[Links, Programs, Maps])
        {
            foreach (var pin in In(directory))
            {
                File.Delete(pin);
            }

            if (Directory.Exists(directory))
            {
                Directory.Delete(directory);
            }
        }

        if (Directory.Exists(root) && !Directory.EnumerateFileSystemEntries(root).Any() && !BpfFileSystem.IsMountPoint(root))
        {
            Directory.Delete(root);
        }
    }

    private static string[] In(string directory) => Directory.Exists(directory) ? Directory.GetFiles(directory) : [];
}
