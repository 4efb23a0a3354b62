using System.Globalization;

namespace Waypoint.Bench;

/// <summary>Processor time and memory of a process, as the kernel accounts them.</summary>
internal static class Cpu
{
    /// <summary>The kernel's unit for times in /proc (USER_HZ), which is 100 on every Linux that .NET supports.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>User and system time of the process and of the workers it forked (nginx, haproxy).</summary>
    public static TimeSpan Of(int process)
    {
        var ticks = Ticks(process);
        foreach (var child in Children(process))
        {
            ticks += Ticks(child);
        }

        return TimeSpan.FromSeconds(ticks / TicksPerSecond);
    }

    /// <summary>Resident set size in bytes.</summary>
    public static long ResidentBytes(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    private static IEnumerable<int> Children(int process) =>
        File.ReadAllText($"/proc/{process}/task/{process}/children")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(id => int.Parse(id, CultureInfo.InvariantCulture));

    private static long Ticks(int process)
    {
        // proc(5): the name may hold spaces, so fields are counted from its closing bracket; utime and stime are the 14th and 15th.
        var stat = File.ReadAllText($"/proc/{process}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }
}
