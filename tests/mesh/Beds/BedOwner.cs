using System.Diagnostics;
using Waypoint.TestBed;

namespace Waypoint.Mesh.Tests.Beds;

/// <summary>
/// This test assembly, run as a program: makes a bed, says its id and waits to be killed. A test cannot kill itself with -9 and then look.
/// </summary>
internal static class BedOwner
{
    internal static async Task<(Process Owner, string BedId)> StartAsync()
    {
        Process owner = Process.Start(new ProcessStartInfo("dotnet", [typeof(BedOwner).Assembly.Location])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        string id = await owner.StandardOutput.ReadLineAsync() ?? throw new EndOfStreamException("the owner said nothing");
        return (owner, id);
    }

    private static async Task Main()
    {
        await using Bed bed = await Bed.StartAsync();
        Pod pod = await bed.AddPodAsync("pod");
        pod.Start("sleep", ["1000"]);
        Console.WriteLine(bed.Id);
        await Console.In.ReadLineAsync();
    }
}
