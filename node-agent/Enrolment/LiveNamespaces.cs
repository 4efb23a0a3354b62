using System.Globalization;
using System.Text.RegularExpressions;

namespace Waypoint.NodeAgent.Enrolment;

/// <summary>
/// Finds the network namespaces that are still held by a process or by a mount. It asks and keeps nothing open: an open namespace would
/// never go away.
/// </summary>
internal static partial class LiveNamespaces
{
    private const int CapSysPtrace = 19;

    /// <summary>The cookies of all that can be seen from here; null when this process may not look at others' namespaces, so that none is known to have ended.</summary>
    public static HashSet<ulong>? Find()
    {
        if (!HasCapability(CapSysPtrace))
        {
            return null;
        }

        var paths = new Dictionary<string, string>();
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                AddProcess(paths, Path.Combine(process, "ns/net"));
            }
        }

        foreach (string mounts in (string[])["/proc/self/mountinfo", "/proc/1/mountinfo"])
        {
            AddMounts(paths, mounts);
        }

        var cookies = new HashSet<ulong>();
        foreach (string path in paths.Values)
        {
            // What ended between being listed and being asked is not alive.
            if (NetworkNamespace.TryReadCookie(path, out ulong cookie))
            {
                cookies.Add(cookie);
            }
        }

        return cookies;
    }

    private static bool HasCapability(int number)
    {
        const string Effective = "CapEff:";
        string line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith(Effective, StringComparison.Ordinal));
        return (ulong.Parse(line.AsSpan(Effective.Length).Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) >> number & 1) != 0;
    }

    private static void AddProcess(Dictionary<string, string> paths, string path)
    {
        if (IdentityOf(path) is { } identity)
        {
            paths.TryAdd(identity, path);
        }
    }

    /// <summary>What the kernel calls the namespace, <c>net:[4026531840]</c>; null when the process has ended.</summary>
    public static string? IdentityOf(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Of a process that is just ending the kernel says anything from "no such file" to "permission denied".
            return null;
        }
    }

    /// <summary>Mounts such as /run/netns/NAME, which keep a namespace without a process: <c>ID PARENT DEV ROOT MOUNTPOINT … - TYPE …</c></summary>
    private static void AddMounts(Dictionary<string, string> paths, string mounts)
    {
        foreach (string line in File.ReadLines(mounts))
        {
            string[] fields = line.Split(' ');
            if (fields.Length > 4 && fields[3].StartsWith("net:[", StringComparison.Ordinal))
            {
                string root = mounts.Replace("mountinfo", "root", StringComparison.Ordinal);
                paths.TryAdd(fields[3], root + Unescape(fields[4]));
            }
        }
    }

    /// <summary>The kernel writes blanks and backslashes as three octal digits: <c>\040</c>.</summary>
    private static string Unescape(string path) =>
        OctalEscape().Replace(path, match => ((char)Convert.ToInt32(match.Groups[1].Value, 8)).ToString());

    [GeneratedRegex(@"\\([0-7]{3})")]
    private static partial Regex OctalEscape();
}
