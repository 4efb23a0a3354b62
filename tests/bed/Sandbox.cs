using System.Net;
using System.Net.Sockets;
using Waypoint.TestBed.Mesh;

namespace Waypoint.TestBed;

/// <summary>
/// What the node and its pods have in common: a network namespace, held by a sleeping process, and a cgroup. Processes run in it, and
/// the owner's own code creates sockets in it.
/// </summary>
public abstract class Sandbox
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private SandboxProcess? _pause;
    private NamespaceThread? _thread;

    private protected Sandbox(Bed bed, string name)
    {
        Bed = bed;
        Name = name;
        Cgroup = Path.Combine(bed.Cgroup, name);
        Directory.CreateDirectory(Cgroup);
    }

    public Bed Bed { get; }

    public string Name { get; }

    public string Cgroup { get; }

    /// <summary>The process that holds the namespaces, as Kubernetes' pause container does.</summary>
    public int PauseProcess => (_pause ?? throw new InvalidOperationException($"{Name} is not started")).Id;

    /// <summary>A path that opens the network namespace, for nsenter or for a node agent.</summary>
    public string NetworkNamespace => $"/proc/{PauseProcess}/ns/net";

    private protected abstract bool HasOwnMounts { get; }

    /// <summary>Starts a program here. Its path is absolute or found in PATH; its working directory is /.</summary>
    public SandboxProcess Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        const string Enter = """
            echo 0 > "$1/cgroup.procs" && pause=$2 && shift 2 && exec nsenter --target "$pause" "$@"
            """;
        string[] enter = ["-c", Enter, Name, Cgroup, $"{PauseProcess}", "--net", .. HasOwnMounts ? new[] { "--mount" } : [], "--", program, .. arguments];
        return SandboxProcess.Start($"{Path.GetFileName(program)} in {Name}", enter, environment);
    }

    /// <summary>Runs a program to its end and returns what it wrote and its exit status.</summary>
    public async Task<ProcessResult> RunAsync(string program, IEnumerable<string> arguments, TimeSpan? deadline = null)
    {
        await using SandboxProcess process = Start(program, arguments);
        return await process.WaitForExitAsync(deadline ?? TimeSpan.FromSeconds(30)).ConfigureAwait(false);
    }

    /// <summary>Runs a client of <c>tests/bed/clients</c>.</summary>
    public Task<ProcessResult> RunPythonAsync(string script, params string[] arguments)
    {
        // Debian's own interpreter: another python3 in PATH lacks Debian's modules.
        string path = Path.Combine(Programs.RepositoryRoot, "tests", "bed", "clients", script);
        return RunAsync("/usr/bin/python3", [path, .. arguments]);
    }

    /// <summary>
    /// Runs the owner's code on a thread of this network namespace. What it opens stays in the namespace for ever; what it awaits does not
    /// come back to the thread, so the code is synchronous. It must not call this method.
    /// </summary>
    public T Run<T>(Func<T> body)
    {
        lock (_gate)
        {
            _thread ??= new NamespaceThread(Name, NetworkNamespace);
        }
        return _thread.Run(body);
    }

    /// <summary>A socket of this namespace and of the bed's cgroup: BPF programs treat it as one of the pod's own.</summary>
    public Socket CreateSocket(AddressFamily family, SocketType type = SocketType.Stream, ProtocolType protocol = ProtocolType.Tcp) =>
        Run(() => OwnerCgroup.Within(Bed.Cgroup, () => new Socket(family, type, protocol)));

    /// <summary>Connects from here to a name of the bed's hosts or to an address.</summary>
    public async Task<Socket> ConnectAsync(string host, int port, CancellationToken cancellation = default)
    {
        IPAddress address = Bed.Hosts.Resolve(host);
        Socket socket = CreateSocket(address.AddressFamily);
        try
        {
            socket.NoDelay = true;
            await socket.ConnectAsync(address, port, cancellation).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>An HTTP client whose connections start here; it follows no redirect and unpacks nothing.</summary>
    public HttpClient CreateHttpClient(TimeSpan? timeout = null) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        ConnectCallback = async (context, cancellation) =>
            new NetworkStream(await ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellation).ConfigureAwait(false), ownsSocket: true),
    })
    { Timeout = timeout ?? TimeSpan.FromSeconds(30) };

    private protected async Task StartAsync(string namespaces, string script)
    {
        const string Unshare = """
            echo 0 > "$1/cgroup.procs" && exec unshare $2 sh -ec "$3
            echo ready
            exec sleep infinity"
            """;
        string[] launch = ["-c", Unshare, Name, Cgroup, namespaces, script];
        _pause = SandboxProcess.Start($"pause of {Name}", launch, environment: null);
        await _pause.WaitForLineAsync(line => line == "ready", StartDeadline).ConfigureAwait(false);
    }

    /// <summary>Ends every process here; the namespaces end with the last.</summary>
    internal async Task KillAsync()
    {
        _thread?.Dispose();
        _thread = null;
        await File.WriteAllTextAsync(Path.Combine(Cgroup, "cgroup.kill"), "1").ConfigureAwait(false);
        await Eventually.TrueAsync(
            () => File.ReadAllText(Path.Combine(Cgroup, "cgroup.events")).Contains("populated 0", StringComparison.Ordinal),
            StartDeadline,
            $"{Cgroup} to be empty").ConfigureAwait(false);
        await _pause!.WaitForExitAsync(StartDeadline).ConfigureAwait(false);
        Directory.Delete(Cgroup);
    }
}
