using System.Diagnostics;

namespace Waypoint.TestBed;

/// <summary>
/// Everything of one bed that exists outside its owner: a cgroup, a directory of pinned BPF objects, a scratch directory. Namespaces
/// are anonymous and live only as long as a process of the cgroup, so ending the cgroup ends them.
/// </summary>
internal sealed class Footprint
{
    private const string BpfFileSystem = "/sys/fs/bpf";
    private const string RunDirectory = "/run";

    /// <summary>
    /// The one way a bed is taken down, whoever asks: its owner (who closes the pipe), the kernel (which closes the pipe of a killed
    /// owner), or a later bed that sweeps (no pipe). It ignores the terminal's signals, which reach it together with the owner.
    /// </summary>
    private const string Cleanup = """
        trap '' INT TERM HUP
        echo 0 > "$1/cgroup.procs"
        read -r _
        cgroup=$2 pins=$3 scratch=$4
        if [ -d "$cgroup" ]; then
          echo 1 > "$cgroup/cgroup.kill"
          for _ in $(seq 1000); do
            grep -q 'populated 0' "$cgroup/cgroup.events" && break
            sleep 0.01
          done
          find "$cgroup" -depth -type d -exec rmdir {} +
        fi
        rm -rf "$pins" "$scratch"
        """;

    internal Footprint(BedId id)
    {
        Cgroup = Path.Combine(CgroupMount.Path, id.ToString());
        Pins = Path.Combine(BpfFileSystem, id.ToString());
        Scratch = Path.Combine(RunDirectory, id.ToString());
    }

    /// <summary>Every process of the bed is below this cgroup; BPF programs attach here.</summary>
    internal string Cgroup { get; }

    internal string Pins { get; }

    internal string Scratch { get; }

    internal void Create()
    {
        MountBpfFileSystem();
        Directory.CreateDirectory(Cgroup);
        Directory.CreateDirectory(Pins);
        Directory.CreateDirectory(Scratch);
    }

    /// <summary>
    /// Starts the process that cleans up at the end of its standard input. It leaves the owner's cgroup, which may be that of another bed.
    /// </summary>
    internal Process StartCleanup() => Process.Start(new ProcessStartInfo("setsid")
    {
        ArgumentList = { "sh", "-c", Cleanup, "waypoint-bed-cleanup", CgroupMount.OfOwner, Cgroup, Pins, Scratch },
        RedirectStandardInput = true,
    })!;

    /// <summary>Takes down what dead owners left whose cleanup was killed as well.</summary>
    internal static void Sweep()
    {
        IEnumerable<BedId> dead = new[] { CgroupMount.Path, BpfFileSystem, RunDirectory }
            .SelectMany(Directory.EnumerateDirectories)
            .Select(directory => BedId.Parse(Path.GetFileName(directory)))
            .OfType<BedId>()
            .Where(id => !id.OwnerIsAlive)
            .Distinct();
        foreach (BedId id in dead)
        {
            using Process cleanup = new Footprint(id).StartCleanup();
            cleanup.StandardInput.Close();
            cleanup.WaitForExit();
        }
    }

    /// <summary>systemd mounts it on most machines; a container or a small system may lack it.</summary>
    private static void MountBpfFileSystem()
    {
        if (File.ReadLines("/proc/mounts").Any(line => line.Split(' ') is [_, BpfFileSystem, "bpf", ..]))
        {
            return;
        }
        using Process mount = Process.Start("mount", ["-t", "bpf", "bpf", BpfFileSystem]);
        mount.WaitForExit();
        if (mount.ExitCode != 0)
        {
            throw new IOException($"{BpfFileSystem}: mount -t bpf failed with status {mount.ExitCode}");
        }
    }
}
