using System.Globalization;

namespace Waypoint.TestBed;

/// <summary>
/// The name of a bed, which is also the name of everything that it leaves on the machine. It carries the owner's process id and
/// start time, so that a later bed can tell, from the name alone, whose owner is dead.
/// </summary>
internal readonly record struct BedId(int Process, ulong StartTime, int Sequence)
{
    private const string Prefix = "waypoint-bed-";
    private static int s_last;

    internal static BedId Next() =>
        new(Environment.ProcessId, StartTimeOf(Environment.ProcessId)!.Value, Interlocked.Increment(ref s_last));

    /// <summary>The id in a directory's name; null when the directory is not a bed's.</summary>
    internal static BedId? Parse(string name)
    {
        if (!name.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return null;
        }
        string[] parts = name[Prefix.Length..].Split('-');
        return parts.Length == 3
            && int.TryParse(parts[0], CultureInfo.InvariantCulture, out int process)
            && ulong.TryParse(parts[1], CultureInfo.InvariantCulture, out ulong start)
            && int.TryParse(parts[2], CultureInfo.InvariantCulture, out int sequence)
                ? new BedId(process, start, sequence)
                : null;
    }

    /// <summary>A process id alone would not do: the kernel gives it to someone else later.</summary>
    internal bool OwnerIsAlive => StartTimeOf(Process) == StartTime;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Process}-{StartTime}-{Sequence}");

    /// <summary>Field 22 of /proc/PID/stat, in clock ticks since boot; null when there is no such process.</summary>
    private static ulong? StartTimeOf(int process)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process}/stat");
            // The second field is the command in parentheses and may hold spaces: count from the last parenthesis.
            return ulong.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
