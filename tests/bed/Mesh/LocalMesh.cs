using System.Diagnostics;

namespace Waypoint.TestBed.Mesh;

/// <summary>
/// A whole mesh on one bed, driven by a folder of YAML: control plane and node agent on the node, and every Pod of the folder as
/// a pod of the bed that runs its first container's program.
/// </summary>
public sealed class LocalMesh : IAsyncDisposable
{
    // What istiod's pod template takes from a waypoint (design D11). Its uid 1337 could not read a repository of root's.
    private static readonly string[] NoPrivileges = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"];

    private readonly Dictionary<string, Pod> _pods = [];
    private readonly Dictionary<string, SandboxProcess> _containers = [];
    private readonly Dictionary<string, MeshProgram> _waypoints = [];

    private LocalMesh(Bed bed)
    {
        Bed = bed;
        Config = new ConfigFolder(Path.Combine(bed.ScratchDirectory, "config"));
        AgentAdmin = new AgentAdmin(bed.Node);
        ControlPlane = new MeshProgram("control plane", bed.Node, new Uri("http://127.0.0.1:15014/ready"),
            () => bed.Node.Start(Programs.ControlPlane, ["--directory", Config.FullPath]));
        Agent = new MeshProgram("node agent", bed.Node, new Uri("http://127.0.0.1:15200/healthz/ready"),
            () => bed.Node.Start(Programs.NodeAgent,
                ["--xds-address", "127.0.0.1:15010", "--cgroup", bed.Cgroup, "--bpffs", bed.PinDirectory, "--node", "node"]));
    }

    public Bed Bed { get; }

    public ConfigFolder Config { get; }

    public MeshProgram ControlPlane { get; }

    public MeshProgram Agent { get; }

    public AgentAdmin AgentAdmin { get; }

    /// <summary>The waypoints, by the name of their pod.</summary>
    public IReadOnlyDictionary<string, MeshProgram> Waypoints => _waypoints;

    /// <summary>How long the node and its pods, without any program, took to come up.</summary>
    public TimeSpan PodsUp { get; private set; }

    /// <summary>The pod of that name; names are unique across the namespaces of a mesh on one bed.</summary>
    public Pod this[string pod] => _pods[pod];

    /// <summary>What a pod's container wrote, and its process.</summary>
    public SandboxProcess Container(string pod) => _containers[pod];

    /// <summary>Starts everything that the folders describe together and waits until each part says that it is ready.</summary>
    public static async Task<LocalMesh> StartAsync(params IEnumerable<string> folders)
    {
        long start = Stopwatch.GetTimestamp();
        LocalMesh mesh = new(await Bed.StartAsync().ConfigureAwait(false));
        try
        {
            mesh.PodsUp = Stopwatch.GetElapsedTime(start);
            foreach (string folder in folders)
            {
                mesh.Config.CopyFrom(folder);
            }
            await mesh.StartAsync(Manifests.Read(mesh.Config.FullPath)).ConfigureAwait(false);
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Replaces a waypoint as a rolling update does: its pod leaves the configuration and is told to end; when it has, a new
    /// one starts and, once ready, takes its place. Returns when the node sends traffic to it again.
    /// </summary>
    public async Task ReplaceWaypointAsync(string name, TimeSpan drainDeadline)
    {
        string file = $"{name}.yaml";
        MeshProgram waypoint = _waypoints[name];
        Config.Remove(file);
        await waypoint.Process.TerminateAsync(drainDeadline).ConfigureAwait(false);
        await waypoint.StartAsync().ConfigureAwait(false);
        Config.Restore(file);
        await AgentAdmin.WaitForBackendAsync(_pods[name].Address4).ConfigureAwait(false);
    }

    /// <summary>Whether the control plane says, in time, which file is wrong and names all of that.</summary>
    public async Task<bool> IsReportedAsync(string file, IReadOnlyList<string> named)
    {
        try
        {
            await Eventually.TrueAsync(async () =>
            {
                string status = await ControlPlane.GetAsync(new Uri("http://127.0.0.1:15014/debug/status")).ConfigureAwait(false);
                return status.Contains(file, StringComparison.Ordinal) && named.All(name => status.Contains(name, StringComparison.Ordinal));
            }, TimeSpan.FromSeconds(3), $"{file} to be reported").ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    public ValueTask DisposeAsync() => Bed.DisposeAsync();

    private async Task StartAsync(Manifests manifests)
    {
        foreach (ServiceManifest service in manifests.Services)
        {
            Bed.Hosts.Set($"{service.Name}.{service.Namespace}.svc.cluster.local", service.ClusterAddress);
            Bed.Hosts.Set($"{service.Name}.{service.Namespace}", service.ClusterAddress);
        }
        long start = Stopwatch.GetTimestamp();
        foreach (PodManifest manifest in manifests.Pods)
        {
            _pods.Add(manifest.Name, await Bed.AddPodAsync(manifest.Name, manifest.Address4, manifest.Address6).ConfigureAwait(false));
        }
        PodsUp += Stopwatch.GetElapsedTime(start);

        Task controlPlane = ControlPlane.StartAsync();
        List<Task> starting = [controlPlane, StartAgentAsync(controlPlane), .. manifests.Pods.Select(StartPodAsync)];
        await Task.WhenAll(starting).ConfigureAwait(false);
        foreach (PodManifest manifest in manifests.Pods.Where(manifest => manifest.IsEnrolled))
        {
            await AgentAdmin.EnrolAsync(_pods[manifest.Name]).ConfigureAwait(false);
        }
        await AgentAdmin.WaitForConvergenceAsync().ConfigureAwait(false);
    }

    private Task StartPodAsync(PodManifest manifest)
    {
        Pod pod = _pods[manifest.Name];
        if (manifest.Image == "waypoint")
        {
            MeshProgram waypoint = new(manifest.Name, pod, new Uri("http://127.0.0.1:15021/healthz/ready"),
                () => pod.Start("setpriv", [.. NoPrivileges, Programs.Waypoint, .. manifest.Arguments], WaypointEnvironment.Of(manifest)));
            _waypoints.Add(manifest.Name, waypoint);
            return waypoint.StartAsync();
        }
        if (CommandOf(manifest) is [string program, .. string[] arguments])
        {
            _containers.Add(manifest.Name, StartContainer(pod, program, arguments));
        }
        return Task.CompletedTask;
    }

    // An agent's first connection to a control plane that does not listen yet would cost a back-off.
    private async Task StartAgentAsync(Task controlPlane)
    {
        await controlPlane.ConfigureAwait(false);
        await Agent.StartAsync().ConfigureAwait(false);
    }

    private static string[] CommandOf(PodManifest manifest) =>
        manifest.Command.Count > 0 ? [.. manifest.Command, .. manifest.Arguments]
        : Programs.OfImage(manifest.Image) is string program ? [program, .. manifest.Arguments]
        : [];

    // An empty directory of its own is the container's working directory, as an image's would be.
    private SandboxProcess StartContainer(Pod pod, string program, IEnumerable<string> arguments)
    {
        string directory = Directory.CreateDirectory(Path.Combine(Bed.ScratchDirectory, pod.Name)).FullName;
        return pod.Start("env", ["--chdir", directory, program, .. arguments]);
    }
}
