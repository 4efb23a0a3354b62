using System.Diagnostics;
using Waypoint.TestBed.Mesh;

namespace Waypoint.Demo;

/// <summary>
/// Brings up a mesh on one bed, tells the <see cref="Story"/> against it, and says of each line whether it held. Exits 0 only if every
/// line did.
/// </summary>
internal static class Program
{
    private const int Interrupted = 130;

    private static async Task<int> Main(string[] arguments)
    {
        bool keep = arguments is ["--keep"];
        using CancellationTokenSource interrupt = new();
        Console.CancelKeyPress += (_, press) =>
        {
            press.Cancel = true;
            interrupt.Cancel();
        };

        try
        {
            return await TellAsync(keep, interrupt.Token);
        }
        catch (Exception exception) when (exception is TimeoutException or InvalidOperationException or IOException or HttpRequestException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"The mesh did not come up: {exception.Message}");
            return 1;
        }
    }

    private static async Task<int> TellAsync(bool keep, CancellationToken interrupt)
    {
        StoryTable table = new();
        table.Head();
        long start = Stopwatch.GetTimestamp();
        await using LocalMesh mesh = await LocalMesh.StartAsync(Path.Combine(Programs.RepositoryRoot, "deploy", "demo"));
        bool held = true;
        foreach (Chapter chapter in Story.Chapters)
        {
            table.Begin(chapter.Title);
            foreach (Line line in chapter.Lines)
            {
                if (interrupt.IsCancellationRequested)
                {
                    return Interrupted;
                }
                long begun = Stopwatch.GetTimestamp();
                Seen seen = await table.WatchAsync(line, () => TellAsync(line, mesh));
                table.Add(line, seen, Stopwatch.GetElapsedTime(begun));
                held &= seen.Held;
            }
        }
        table.End(Stopwatch.GetElapsedTime(start));
        if (keep)
        {
            await OpenHouse.HoldAsync(mesh, interrupt);
        }
        return held ? 0 : 1;
    }

    /// <summary>A line that throws did not hold; the others still have their say.</summary>
    private static async Task<Seen> TellAsync(Line line, LocalMesh mesh)
    {
        try
        {
            return await line.Run(mesh);
        }
        catch (Exception exception)
        {
            return new Seen(false, $"{exception.GetType().Name}: {exception.Message}");
        }
    }
}
