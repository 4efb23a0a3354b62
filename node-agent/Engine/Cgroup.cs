using System.Runtime.InteropServices;
using Waypoint.NodeAgent.Libbpf;

namespace Waypoint.NodeAgent.Engine;

/// <summary>A cgroup v2 directory.</summary>
internal static unsafe partial class Cgroup
{
    // A container that serves its node has the node's hierarchy mounted aside, as its own /sys/fs/cgroup shows only itself.
    private static readonly string[] Mounts = ["/host/sys/fs/cgroup", "/sys/fs/cgroup"];

    private const int CurrentDirectory = -100;
    private const uint MaskInode = 0x100;

    // struct statx is the same on all architectures: 256 bytes, stx_ino at 32.
    private const int StatSize = 256;
    private const int InodeOffset = 32;

    /// <summary>The id by which the kernel names the cgroup: the inode number of its directory.</summary>
    public static ulong Id(string path)
    {
        var status = stackalloc byte[StatSize];
        return StatX(CurrentDirectory, path, 0, MaskInode, status) < 0
            ? throw LibbpfException.Last($"find the cgroup {path}")
            : *(ulong*)(status + InodeOffset);
    }

    /// <summary>The root of the node's hierarchy, which is in <c>unified</c> where version 1 is mounted too. Null when there is none.</summary>
    public static string? FindRoot() =>
        Mounts.SelectMany(mount => (string[])[mount, Path.Combine(mount, "unified")])
            .FirstOrDefault(path => File.Exists(Path.Combine(path, "cgroup.controllers")));

    /// <summary>Opens the directory itself, which .NET's file API does not.</summary>
    public static BpfDescriptor Open(string path)
    {
        const int CloseOnExec = 0x80000;
        var descriptor = OpenAt(CurrentDirectory, path, CloseOnExec);
        return descriptor < 0 ? throw LibbpfException.Last($"open the cgroup {path}") : new BpfDescriptor(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int directory, string path, int flags, uint mask, byte* status);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(int directory, string path, int flags);
}
