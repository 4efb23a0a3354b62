using System.Globalization;
using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;

namespace Waypoint.Demo.Chapters;

/// <summary>What there is.</summary>
internal static class Opening
{
    internal static Chapter Chapter { get; } = new("A mesh from a folder of YAML", [
        new("Start a node, its pods, control plane, agent and two waypoints", "each is ready", mesh => Task.FromResult(Ready(mesh))),
        new("A first request: curl http://echo.shop/", "an answer of v1 or v2", FirstRequestAsync),
    ]);

    private static Seen Ready(LocalMesh mesh)
    {
        IEnumerable<MeshProgram> programs = [mesh.ControlPlane, mesh.Agent, .. mesh.Waypoints.Values];
        return new Seen(true, string.Create(CultureInfo.InvariantCulture,
            $"node and {mesh.Bed.Pods.Count} pods in {mesh.PodsUp.TotalMilliseconds:0} ms; {string.Join(", ", programs.Select(program => $"{program.Name} {program.ReadyAfter.TotalMilliseconds:0} ms"))}"));
    }

    private static async Task<Seen> FirstRequestAsync(LocalMesh mesh)
    {
        ProcessResult curl = await mesh["client"].RunAsync("curl", ["--silent", "--show-error", "--fail", "--max-time", "10", "--write-out", "%{http_code} %header{x-version}", "--output", "/dev/null", "http://echo.shop/"]);
        return new Seen(curl.Output is "200 v1" or "200 v2", $"{curl.Output}{curl.Error}".Trim());
    }
}
