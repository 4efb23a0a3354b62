using System.Diagnostics;
using System.Globalization;
using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;
using Waypoint.TestBed.Traffic;

namespace Waypoint.Demo.Chapters;

/// <summary>The main job: who gets which version.</summary>
internal static class Canary
{
    private const int Requests = 2000;
    private const string Weights = "weight: 90}\n    - {name: echo-v2, port: 80, weight: 10}";
    private const string AllToV2 = "weight: 0}\n    - {name: echo-v2, port: 80, weight: 100}";
    private const string Get = "GET / HTTP/1.1\r\nHost: echo.shop\r\n\r\n";
    private static readonly BinomialBounds Share = BinomialBounds.Of(Requests, 0.1);

    internal static Chapter Chapter { get; } = new("A canary", [
        new($"{Requests:N0} requests by curl to a route of weights 90 and 10", $"all 200; {Share} of them from v2", SplitAsync),
        new("200 more with the header x-canary: always", "200 from v2", HeaderAsync),
        new("Save new weights, 0 and 100, while requests go on", "v2 only, at once; no request fails", LiveEditAsync),
        new("200 requests to a service of which one pod of two is broken", "all 200: retried on the other pod", RetryAsync),
    ]);

    private static async Task<Seen> SplitAsync(LocalMesh mesh)
    {
        Dictionary<string, int> seen = await CurlAsync(mesh, $"http://echo.shop/?n=[1-{Requests}]");
        return new Seen(
            seen.GetValueOrDefault("200 v1") + seen.GetValueOrDefault("200 v2") == Requests && Share.Contains(seen.GetValueOrDefault("200 v2")),
            Describe(seen));
    }

    private static async Task<Seen> HeaderAsync(LocalMesh mesh)
    {
        Dictionary<string, int> seen = await CurlAsync(mesh, "http://echo.shop/?n=[1-200]", "--header", "x-canary: always");
        return new Seen(seen.GetValueOrDefault("200 v2") == 200, Describe(seen));
    }

    private static async Task<Seen> LiveEditAsync(LocalMesh mesh)
    {
        const int Settled = 300;
        using HttpConnection connection = await HttpConnection.OpenAsync(mesh["client"], "echo.shop", 80);
        mesh.Config.Edit("canary.yaml", Weights, AllToV2);
        long saved = Stopwatch.GetTimestamp();
        TimeSpan live = TimeSpan.Zero;
        int failed = 0;
        // One answer in ten was v2 before the edit: only an unbroken row of them says that it is live.
        for (int row = 0; row < Settled && Stopwatch.GetElapsedTime(saved) < TimeSpan.FromSeconds(10); row++)
        {
            HttpAnswer answer = await connection.ExchangeAsync(Get);
            failed += answer.Status == 200 ? 0 : 1;
            if (row == 0)
            {
                live = Stopwatch.GetElapsedTime(saved);
            }
            if (answer.Version != "v2")
            {
                row = -1;
            }
        }
        mesh.Config.Edit("canary.yaml", AllToV2, Weights);
        return new Seen(
            failed == 0 && live < TimeSpan.FromSeconds(1),
            string.Create(CultureInfo.InvariantCulture, $"live {live.TotalMilliseconds:0} ms after the save: from then on {Settled} of {Settled} from v2; {failed} failed"));
    }

    private static async Task<Seen> RetryAsync(LocalMesh mesh)
    {
        Dictionary<string, int> seen = await CurlAsync(mesh, "http://flaky.shop/?n=[1-200]");
        return new Seen(seen.GetValueOrDefault("200 good") == 200, Describe(seen));
    }

    /// <summary>Counts answers by status and version. curl expands the range and keeps its connection.</summary>
    private static async Task<Dictionary<string, int>> CurlAsync(LocalMesh mesh, string url, params string[] arguments)
    {
        ProcessResult curl = await mesh["client"].RunAsync(
            "curl", ["--silent", "--show-error", "--max-time", "30", "--write-out", "%{stdout}%{http_code} %header{x-version}\\n", "--output", "/dev/null", .. arguments, url]);
        return curl.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Concat(curl.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .CountBy(line => line.Trim()).ToDictionary();
    }

    private static string Describe(Dictionary<string, int> seen) =>
        string.Join(", ", seen.OrderByDescending(entry => entry.Value).Select(entry => $"{entry.Value:N0} × {entry.Key}"));
}
