using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Waypoint.TestBed;

/// <summary>
/// A node on this machine: a network namespace without uplink and a sub-cgroup of its own, with pods on a bridge. Nothing in it can
/// reach anything outside, and nothing of it outlives its owner, not even when the owner is killed with -9.
/// </summary>
public sealed class Bed : IAsyncDisposable
{
    private static readonly TimeSpan CleanupDeadline = TimeSpan.FromSeconds(15);

    private readonly Footprint _footprint;
    private readonly Process _cleanup;
    private readonly HostsFile _hosts;
    private readonly Dictionary<string, Pod> _pods = [];
    private int _lastHost = 9;
    private int _lastInterface;

    private Bed(BedId id, Footprint footprint)
    {
        Id = id.ToString();
        _footprint = footprint;
        _cleanup = footprint.StartCleanup();
        footprint.Create();
        _hosts = new HostsFile(Path.Combine(footprint.Scratch, "hosts"));
        Node = new Node(this);
    }

    public string Id { get; }

    /// <summary>The node itself: its address on the bridge is <see cref="Node.Address4"/>.</summary>
    public Node Node { get; }

    public IReadOnlyDictionary<string, Pod> Pods => _pods;

    /// <summary>Every process of the bed is below it; attach BPF programs here.</summary>
    public string Cgroup => _footprint.Cgroup;

    /// <summary>A directory of the BPF file system, removed with the bed.</summary>
    public string PinDirectory => _footprint.Pins;

    /// <summary>A directory for files, removed with the bed.</summary>
    public string ScratchDirectory => _footprint.Scratch;

    /// <summary>What /etc/hosts says in every pod, beside localhost.</summary>
    public HostsFile Hosts => _hosts;

    /// <summary>Starts a bed without pods, after sweeping what dead owners left.</summary>
    public static async Task<Bed> StartAsync()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new UnauthorizedAccessException("A bed needs root: network namespaces, cgroups and BPF are the kernel's.");
        }
        Footprint.Sweep();
        BedId id = BedId.Next();
        Bed bed = new(id, new Footprint(id));
        try
        {
            await bed.Node.StartAsync().ConfigureAwait(false);
            return bed;
        }
        catch
        {
            await bed.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Adds a pod with the next free addresses.</summary>
    public Task<Pod> AddPodAsync(string name)
    {
        int host = Interlocked.Increment(ref _lastHost);
        return AddPodAsync(name, IPAddress.Parse($"10.244.0.{host}"), IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"fd00:10:244::{host:x}")));
    }

    /// <summary>Adds a pod with addresses in the node's networks, 10.244.0.0/16 and fd00:10:244::/64.</summary>
    /// <param name="name">Unique in the bed; also the name of the pod's cgroup.</param>
    public async Task<Pod> AddPodAsync(string name, IPAddress address4, IPAddress address6)
    {
        Pod pod = new(this, name, Interlocked.Increment(ref _lastInterface), address4, address6);
        await pod.StartAsync().ConfigureAwait(false);
        lock (_pods)
        {
            _pods.Add(name, pod);
        }
        return pod;
    }

    /// <summary>Ends a pod's processes and with them its namespaces, as the end of a pod does.</summary>
    public async Task RemovePodAsync(Pod pod)
    {
        lock (_pods)
        {
            _pods.Remove(pod.Name);
        }
        await pod.KillAsync().ConfigureAwait(false);
    }

    /// <summary>Ends every process of the bed and removes all of it; returns when nothing is left.</summary>
    public async ValueTask DisposeAsync()
    {
        OwnerCgroup.Leave(_footprint.Cgroup);
        _cleanup.StandardInput.Close();
        using CancellationTokenSource deadline = new(CleanupDeadline);
        await _cleanup.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
        _cleanup.Dispose();
    }
}
