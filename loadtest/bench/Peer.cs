using System.Globalization;
using Waypoint.TestBed;

namespace Waypoint.Bench;

/// <summary>A proxy to measure against: a program of the machine with a configuration from loadtest/peers.</summary>
/// <param name="Port">Where it listens in the proxies' pod.</param>
internal sealed record Peer(string Name, string Configuration, int Port, Func<string, string[]> Arguments)
{
    public static IReadOnlyList<Peer> All { get; } =
    [
        new("nginx", "nginx.conf", 8001, file => ["-c", file, "-e", "stderr"]),
        new("haproxy", "haproxy.cfg", 8002, file => ["-db", "-f", file]),
        new("envoy", "envoy.yaml", 8003, file => ["-c", file, "--concurrency", "1", "--log-level", "error", "--disable-hot-restart"]),
    ];

    /// <summary>Whether this machine has the program; who lacks a peer measures without it.</summary>
    public static bool IsInstalled(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Any(directory => File.Exists(Path.Combine(directory, program)));

    public async Task<SandboxProcess> StartAsync(Sandbox pod, string peersDirectory, string backend)
    {
        var file = Path.Combine(pod.Bed.ScratchDirectory, Configuration);
        var text = await File.ReadAllTextAsync(Path.Combine(peersDirectory, Configuration));
        await File.WriteAllTextAsync(file, text
            .Replace("${BACKEND}", backend, StringComparison.Ordinal)
            .Replace("${PORT}", Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        return pod.Start(Name, Arguments(file));
    }
}
