using System.Globalization;

namespace Waypoint.Mesh.Tests.Beds;

/// <summary>What of a bed exists on the machine right now.</summary>
internal sealed class Remains
{
    private readonly string _id;
    private readonly string _cgroup;
    private readonly HashSet<string> _namespaces;

    private Remains(string id)
    {
        _id = id;
        _cgroup = Path.Combine(CgroupOfMachine(), id);
        // A process that just joined the cgroup is still on its way from the machine's namespace to the bed's.
        _namespaces = [.. ProcessesOfCgroup().Select(NetworkNamespace).OfType<string>()];
        _namespaces.Remove(NetworkNamespace(Environment.ProcessId)!);
    }

    internal static Remains Of(string id) => new(id);

    internal List<string> Directories() =>
        [.. new[] { _cgroup, $"/sys/fs/bpf/{_id}", $"/run/{_id}" }.Where(Directory.Exists)];

    /// <summary>Those of the cgroup, and those anywhere else that hold one of its network namespaces or clean up after it.</summary>
    internal List<int> Processes() =>
        [.. AllProcesses().Where(process => NetworkNamespace(process) is { } network && _namespaces.Contains(network)).Union(Cleanups())];

    internal List<int> Cleanups() =>
        [.. AllProcesses().Where(process => Read($"/proc/{process}/cmdline") is { } line
            && line.Contains("waypoint-bed-cleanup", StringComparison.Ordinal) && line.Contains(_id, StringComparison.Ordinal))];

    private IEnumerable<int> ProcessesOfCgroup() =>
        Directory.EnumerateFiles(_cgroup, "cgroup.procs", SearchOption.AllDirectories)
            .SelectMany(File.ReadAllLines)
            .Select(line => int.Parse(line, CultureInfo.InvariantCulture))
            .Where(process => process != Environment.ProcessId);

    private static IEnumerable<int> AllProcesses() =>
        Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!, CultureInfo.InvariantCulture));

    private static string? NetworkNamespace(int process)
    {
        try
        {
            return new FileInfo($"/proc/{process}/ns/net").LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string CgroupOfMachine() =>
        File.ReadLines("/proc/mounts").Select(line => line.Split(' ')).First(fields => fields[2] == "cgroup2")[1];
}
