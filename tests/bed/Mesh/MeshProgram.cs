using System.Diagnostics;

namespace Waypoint.TestBed.Mesh;

/// <summary>One program of the mesh, which can be ended in every way and started again.</summary>
public sealed class MeshProgram
{
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(60);

    private readonly Func<SandboxProcess> _start;
    private readonly Uri _ready;
    private readonly HttpClient _http;
    private SandboxProcess? _process;

    internal MeshProgram(string name, Sandbox sandbox, Uri ready, Func<SandboxProcess> start)
    {
        Name = name;
        Sandbox = sandbox;
        _ready = ready;
        _start = start;
        _http = sandbox.CreateHttpClient(TimeSpan.FromSeconds(2));
    }

    public string Name { get; }

    public Sandbox Sandbox { get; }

    /// <summary>The process of the last start.</summary>
    public SandboxProcess Process => _process ?? throw new InvalidOperationException($"{Name} was not started");

    /// <summary>From exec to ready at the last start.</summary>
    public TimeSpan ReadyAfter { get; private set; }

    /// <summary>Starts the program and waits until it says that it is ready; returns how long that took since exec.</summary>
    public async Task<TimeSpan> StartAsync()
    {
        long start = Stopwatch.GetTimestamp();
        _process = _start();
        try
        {
            await Eventually.TrueAsync(IsReadyAsync, ReadyDeadline, $"{Name} to be ready at {_ready}").ConfigureAwait(false);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message}\n{_process.Tail()}");
        }
        return ReadyAfter = Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Reads an endpoint of the program's admin or metrics server.</summary>
    public Task<string> GetAsync(Uri address) => _http.GetStringAsync(address);

    private async Task<bool> IsReadyAsync()
    {
        if (Process.HasExited)
        {
            throw new InvalidOperationException($"{Name} ended before it was ready:\n{Process.Tail()}");
        }
        try
        {
            using HttpResponseMessage answer = await _http.GetAsync(_ready).ConfigureAwait(false);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }
}
