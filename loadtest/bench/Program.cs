using System.Globalization;
using Spectre.Console;
using Waypoint.Bench;
using Waypoint.TestBed.Mesh;

// waypoint-bench [--seconds N] [--rounds N]: measures the waypoint, its peers and the kernel's redirect side by side, and writes
// what it found to loadtest/results as well.
var seconds = TimeSpan.FromSeconds(Option("--seconds", 5));
var rounds = Option("--rounds", 3);

foreach (var program in new[] { "curl", "wrk", "nginx", "h2load" })
{
    if (!Peer.IsInstalled(program))
    {
        Console.Error.WriteLine($"waypoint-bench: {program}: not found; the load comes from curl, wrk and h2load (nghttp2-client), the backend is nginx");
        return 2;
    }
}

var loadtest = Path.Combine(Programs.RepositoryRoot, "loadtest");
await using var mesh = await LocalMesh.StartAsync(Path.Combine(loadtest, "mesh"));
var peers = Path.Combine(loadtest, "peers");
await using var backend = mesh["backend"].Start("nginx", ["-c", Path.Combine(peers, "backend.conf"), "-e", "stderr"]);

List<Contestant> contestants =
[
    new("direct", "http://10.244.0.10:8080/", Process: null),
    new("waypoint", "http://10.96.0.10/", mesh.Waypoints["waypoint"].Process.Id),
];
foreach (var peer in Peer.All)
{
    if (!Peer.IsInstalled(peer.Name))
    {
        AnsiConsole.MarkupLineInterpolated($"[yellow]{peer.Name} is not installed: measured without it[/]");
        continue;
    }

    var process = await peer.StartAsync(mesh["peers"], peers, mesh["backend"].Address4.ToString());
    contestants.Add(new Contestant(peer.Name, string.Create(CultureInfo.InvariantCulture, $"http://10.244.0.11:{peer.Port}/"), process.Id));
}

var race = new Race(mesh["client"], contestants, seconds, rounds);
var results = await race.RunAsync();
var connects = ConnectCost.Measure(mesh["client"], rounds);
var memory = new Memory(Cpu.ResidentBytes(mesh.Agent.Process.Id), Cpu.ResidentBytes(mesh.Waypoints["waypoint"].Process.Id));

if (Console.IsOutputRedirected)
{
    AnsiConsole.Profile.Width = 120;
}

var report = new Report(results, connects, memory);
report.Print(AnsiConsole.Console);
report.Write(Path.Combine(loadtest, "results"));
return results.Any(result => result.Failed > 0) ? 1 : 0;

int Option(string name, int fallback)
{
    var at = Array.IndexOf(args, name);
    if (at < 0)
    {
        return fallback;
    }

    return at + 1 < args.Length && int.TryParse(args[at + 1], CultureInfo.InvariantCulture, out var value) && value > 0
        ? value
        : throw new ArgumentException($"{name} takes a whole number above zero");
}
