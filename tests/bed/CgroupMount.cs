namespace Waypoint.TestBed;

/// <summary>Where cgroup v2 is mounted, and where this process was in it when it started.</summary>
internal static class CgroupMount
{
    /// <summary>The unified hierarchy, which on hybrid machines sits at /sys/fs/cgroup/unified.</summary>
    internal static string Path { get; } = File.ReadLines("/proc/mounts")
        .Select(line => line.Split(' '))
        .Where(fields => fields[2] == "cgroup2")
        .Select(fields => fields[1])
        .FirstOrDefault() ?? throw new PlatformNotSupportedException("/proc/mounts: no cgroup2; the bed needs cgroup v2");

    /// <summary>The cgroup to which the owner and its cleanup belong while no bed has borrowed them.</summary>
    internal static string OfOwner { get; } = Path + File.ReadLines("/proc/self/cgroup")
        .First(line => line.StartsWith("0::", StringComparison.Ordinal))[3..];
}
