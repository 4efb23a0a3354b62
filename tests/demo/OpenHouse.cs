using Spectre.Console;
using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;

namespace Waypoint.Demo;

/// <summary>Leaves the mesh up for a person to poke at, with the commands to do so.</summary>
internal static class OpenHouse
{
    internal static async Task HoldAsync(LocalMesh mesh, CancellationToken end)
    {
        string client = Enter(mesh["client"]);
        string node = $"nsenter --target {mesh.Bed.Node.PauseProcess} --net";
        AnsiConsole.WriteLine();
        AnsiConsole.MarkupLine("[bold]The mesh stays up until Ctrl-C.[/]");
        foreach ((string what, string command) in new[]
        {
            ("a request through the mesh", $"{client} curl -s http://echo.shop/"),
            ("the same, to v2", $"{client} curl -s -H 'x-canary: always' http://echo.shop/"),
            ("edit, and see it live", $"$EDITOR {mesh.Config.FullPath}/canary.yaml"),
            ("what the control plane made of it", $"{node} curl -s http://127.0.0.1:15014/debug/resources"),
            ("what the agent wants in its maps", $"{node} curl -s http://127.0.0.1:15200/debug/intent"),
            ("the kernel's counters", $"{node} curl -s http://127.0.0.1:15020/metrics"),
            ("the maps themselves", $"ls {mesh.Bed.PinDirectory}/maps"),
            ("a waypoint's metrics", $"{Enter(mesh["waypoint-a"])} curl -s http://127.0.0.1:15020/stats/prometheus"),
            ("a shell in a pod", $"{client} bash"),
        })
        {
            AnsiConsole.MarkupLine($"  [grey62]{what}[/]");
            // Not through the table's width: a command must stay one line to be copied.
            Console.WriteLine($"    {command}");
        }
        try
        {
            await Task.Delay(Timeout.Infinite, end);
        }
        catch (OperationCanceledException)
        {
            AnsiConsole.MarkupLine("[grey62]Taking it down.[/]");
        }
    }

    // A process must be in the pod's cgroup, too, for the kernel engine to see its connections.
    private static string Enter(Pod pod) =>
        $"sh -c 'echo 0 > {pod.Cgroup}/cgroup.procs; exec nsenter --target {pod.PauseProcess} --net --mount -- \"$@\"' pod";
}
