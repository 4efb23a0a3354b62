using Waypoint.TestBed;
using Waypoint.TestBed.Hostile;
using Waypoint.TestBed.Mesh;
using Waypoint.TestBed.Traffic;

namespace Waypoint.Demo.Chapters;

/// <summary>What must not get through, and what must get through untouched.</summary>
internal static class BadInput
{
    private const string AsIs =
        "GET /a%2Fb//c/../d%20e;p=1?q=%26&&empty= HTTP/1.1\r\nHost: Echo.Shop\r\nX-Odd-CASE: 1\r\nX-Empty:\r\nX-Spaces: a  b\r\nX-Percent: %2F\r\n\r\n";

    internal static Chapter Chapter { get; } = new("Bad input, and odd input", [
        new($"Save {BrokenConfigurations.All.Count} broken files, one after the other, under load", "each is named with its reason; 0 failures", BrokenFilesAsync),
        new($"{MalformedInputs.All.Count} malformed inputs on the wire, under load", "each refused or closed; 0 failures", MalformedAsync),
        new("An odd path and odd headers", "as sent: dots, slashes, escapes, case, nothing", BytesAsync),
    ]);

    private static async Task<Seen> BrokenFilesAsync(LocalMesh mesh)
    {
        await using SteadyLoad load = SteadyLoad.Start(mesh["client"], "echo.shop", 80, SteadyLoadOptions.Default);
        List<string> unnamed = [];
        foreach (BrokenConfiguration broken in BrokenConfigurations.All)
        {
            mesh.Config.Save("broken.yaml", broken.Text);
            if (!await mesh.IsReportedAsync("broken.yaml", broken.Named))
            {
                unnamed.Add(broken.Flaw);
            }
            mesh.Config.Remove("broken.yaml");
        }
        await load.StopAsync();
        return new Seen(unnamed.Count == 0 && load.Failures.Count == 0,
            $"{BrokenConfigurations.All.Count - unnamed.Count} named{(unnamed.Count == 0 ? "" : $", not: {string.Join(", ", unnamed)}")}; {load.Failures.Count} failures of {load.NewConnections + load.OpenRequests:N0}");
    }

    private static async Task<Seen> MalformedAsync(LocalMesh mesh)
    {
        await using SteadyLoad load = SteadyLoad.Start(mesh["client"], "echo.shop", 80, SteadyLoadOptions.Default);
        (MalformedInput Input, MalformedInputVerdict Verdict)[] verdicts = await Task.WhenAll(MalformedInputs.All.Select(async input => (input, input.Target == Target.Service
            ? await MalformedInputVerdict.OfAsync(input, mesh["client"], "echo.shop", 80)
            : await MalformedInputVerdict.OfAsync(input, mesh["stranger"], mesh["waypoint-a"].Address4.ToString(), 15088))));
        await load.StopAsync();
        string[] unclean = [.. verdicts.Where(pair => !pair.Verdict.IsClean).Select(pair => $"{pair.Input.Flaw}: {pair.Verdict.Seen}")];
        string kinds = string.Join(", ", verdicts.CountBy(pair => pair.Verdict.Seen).Select(kind => $"{kind.Value} × {kind.Key}"));
        return new Seen(unclean.Length == 0 && load.Failures.Count == 0,
            $"{(unclean.Length == 0 ? kinds : string.Join("; ", unclean))}; {load.Failures.Count} failures of {load.NewConnections + load.OpenRequests:N0}");
    }

    private static async Task<Seen> BytesAsync(LocalMesh mesh)
    {
        HttpAnswer answer = await HttpConnection.OnceAsync(mesh["client"], "echo.shop", 81, AsIs);
        string[] sent = AsIs.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        string[] missing = [.. sent.Except(answer.Text.Split("\r\n").Select(line => line.TrimEnd()))];
        return new Seen(answer.Status == 200 && missing.Length == 0, missing.Length == 0 ? $"{sent.Length} of {sent.Length} lines as sent" : $"changed: {string.Join(" | ", missing)}");
    }
}
