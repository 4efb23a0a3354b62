using System.Runtime.InteropServices;
using Waypoint.NodeAgent.Libbpf;

namespace Waypoint.NodeAgent.Engine;

/// <summary>The BPF file system: the only place where maps and programs can be pinned.</summary>
internal static partial class BpfFileSystem
{
    private const string Root = "/sys/fs/bpf";

    /// <summary>Creates the directory on a BPF file system; mounts one, at its usual place if the directory is below it.</summary>
    /// <exception cref="KernelEngineException">There is none, and none is to be mounted.</exception>
    public static void Ensure(string directory, bool mount)
    {
        var path = Path.GetFullPath(directory);
        if (!IsMounted(path))
        {
            if (!mount)
            {
                throw new KernelEngineException($"{path} is on no BPF file system: mount one on the node (mount -t bpf bpf {Root})");
            }

            var mountPoint = path.StartsWith(Root + "/", StringComparison.Ordinal) ? Root : path;
            Directory.CreateDirectory(mountPoint);
            if (Mount("bpf", mountPoint, "bpf", 0, 0) < 0)
            {
                throw LibbpfException.Last($"mount a BPF file system at {mountPoint}");
            }
        }

        Directory.CreateDirectory(path);
    }

    public static bool IsMountPoint(string directory)
    {
        var path = Path.GetFullPath(directory);
        return MountPoints().Any(mountPoint => mountPoint == path);
    }

    private static bool IsMounted(string path) =>
        MountPoints().Any(mountPoint => path == mountPoint || path.StartsWith(mountPoint + "/", StringComparison.Ordinal));

    private static IEnumerable<string> MountPoints() => File.ReadLines("/proc/self/mounts")
        .Select(line => line.Split(' '))
        .Where(fields => fields[2] == "bpf")
        .Select(fields => fields[1]);

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string fileSystem, nuint flags, nint data);
}
