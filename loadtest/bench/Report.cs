using System.Globalization;
using Spectre.Console;

namespace Waypoint.Bench;

/// <summary>Resident bytes after the load.</summary>
internal sealed record Memory(long Agent, long Waypoint);

/// <summary>What was measured, as a table for a person and as a file to keep.</summary>
internal sealed class Report(IReadOnlyList<RaceResult> results, ConnectTimes connects, Memory memory)
{
    public void Print(IAnsiConsole console)
    {
        var table = new Table().Title("One hop: HTTP/1.1 GET, 100 bytes, 32 connections, medians");
        foreach (var heading in (string[])["", "requests/s", "CPU µs/request", "waypoint ÷ it", "p50 added µs", "p99 added µs", "failed"])
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        foreach (var row in Rows())
        {
            table.AddRow([.. row.Select(cell => new Text(cell))]);
        }

        console.Write(table);
        console.WriteLine(Connects);
        console.WriteLine(Resident);
    }

    /// <summary>Writes a Markdown file named by the time; returns its path.</summary>
    public string Write(string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, $"{DateTime.UtcNow.ToString("yyyy-MM-ddTHHmmss", CultureInfo.InvariantCulture)}.md");
        File.WriteAllLines(path,
        [
            "| | requests/s | CPU µs/request | waypoint ÷ it | p50 added µs | p99 added µs | failed |",
            "|---|---|---|---|---|---|---|",
            .. Rows().Select(row => $"| {string.Join(" | ", row)} |"),
            "",
            Connects,
            "",
            Resident,
        ]);
        return path;
    }

    private string Connects => string.Create(
        CultureInfo.InvariantCulture,
        $"connect(): direct {connects.Direct:0.0} µs, balanced by the kernel {connects.Balanced:0.0} µs ({connects.Balanced / connects.Direct:0.00}×), to a waypoint {connects.ThroughWaypoint:0.0} µs ({connects.ThroughWaypoint / connects.Direct:0.00}×)");

    private string Resident => string.Create(
        CultureInfo.InvariantCulture,
        $"resident: agent {memory.Agent / 1048576.0:0} MB, waypoint {memory.Waypoint / 1048576.0:0} MB");

    private IEnumerable<string[]> Rows()
    {
        var direct = results.First(result => result.CpuPerRequest is null);
        var waypoint = results.First(result => result.Name == "waypoint");
        return results.Select(result => new[]
        {
            result.Name,
            result.PerSecond.ToString("0", CultureInfo.InvariantCulture),
            result.CpuPerRequest?.ToString("0.0", CultureInfo.InvariantCulture) ?? "",
            result.CpuPerRequest is { } cpu ? (waypoint.CpuPerRequest!.Value / cpu).ToString("0.00", CultureInfo.InvariantCulture) : "",
            (result.P50 - direct.P50).TotalMicroseconds.ToString("0", CultureInfo.InvariantCulture),
            (result.P99 - direct.P99).TotalMicroseconds.ToString("0", CultureInfo.InvariantCulture),
            result.Failed.ToString(CultureInfo.InvariantCulture),
        });
    }
}
