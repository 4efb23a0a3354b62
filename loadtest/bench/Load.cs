using System.Globalization;
using System.Text.RegularExpressions;
using Waypoint.TestBed;

namespace Waypoint.Bench;

/// <summary>What a closed loop of clients got through.</summary>
internal sealed record Throughput(long Requests, TimeSpan Time, long Errors)
{
    public double PerSecond => Requests / Time.TotalSeconds;
}

/// <summary>Latencies at a fixed rate.</summary>
internal sealed record Latency(TimeSpan P50, TimeSpan P99, long Failed);

/// <summary>The foreign load generators: wrk for all that a proxy can do, h2load for a fixed rate.</summary>
internal static partial class Load
{
    private const int Connections = 32;

    /// <summary>Waits until there is an answer: programs that have just been started do not listen yet.</summary>
    /// <exception cref="InvalidOperationException">There is none for ten seconds.</exception>
    public static async Task AnswersAsync(Sandbox client, string url)
    {
        var result = await client.RunAsync("curl", ["-sS", "-o", "/dev/null", "-H", "X-Tenant: acme", "--retry", "100", "--retry-connrefused", "--retry-delay", "0", "--retry-max-time", "10", url]);
        if (result.ExitCode != 0)
        {
            throw new InvalidOperationException($"{url}: {result.Error}");
        }
    }

    public static async Task<Throughput> SaturateAsync(Sandbox client, string url, TimeSpan time)
    {
        var result = await client.RunAsync("wrk", ["-t1", $"-c{Connections}", $"-d{time.TotalSeconds:0}s", "-H", "X-Tenant: acme", url], time + TimeSpan.FromSeconds(20));
        var summary = Summary().Match(result.Output);
        if (!summary.Success)
        {
            throw new InvalidOperationException($"wrk {url}: {result.Output}{result.Error}");
        }

        var seconds = double.Parse(summary.Groups["time"].Value, CultureInfo.InvariantCulture) * (summary.Groups["unit"].Value == "m" ? 60 : 1);
        var errors = Number(Non2xx().Match(result.Output)) + SocketErrors().Match(result.Output).Groups["n"].Captures.Sum(c => long.Parse(c.Value, CultureInfo.InvariantCulture));
        return new Throughput(Number(summary), TimeSpan.FromSeconds(seconds), errors);
    }

    /// <param name="perSecond">Requests a second over all connections.</param>
    public static async Task<Latency> AtRateAsync(Sandbox client, string url, double perSecond, TimeSpan time)
    {
        var log = Path.Combine(client.Bed.ScratchDirectory, "h2load.log");
        File.Delete(log);
        var each = Math.Max(1, perSecond / Connections);
        var result = await client.RunAsync(
            "h2load",
            ["--h1", "-t1", $"-c{Connections}", $"--rps={each.ToString("0.0", CultureInfo.InvariantCulture)}", $"-D{time.TotalSeconds:0}", $"--log-file={log}", url],
            time + TimeSpan.FromSeconds(20));
        if (!File.Exists(log))
        {
            throw new InvalidOperationException($"h2load {url}: {result.Output}{result.Error}");
        }

        // A line is: start in microseconds since the epoch, status, duration in microseconds.
        var answers = File.ReadLines(log).Select(line => line.Split('\t')).ToList();
        var durations = answers.Select(fields => long.Parse(fields[2], CultureInfo.InvariantCulture)).Order().ToArray();
        return new Latency(At(durations, 0.50), At(durations, 0.99), answers.Count(fields => fields[1] != "200"));
    }

    private static TimeSpan At(long[] sorted, double quantile) =>
        TimeSpan.FromMicroseconds(sorted[Math.Min(sorted.Length - 1, (int)(quantile * sorted.Length))]);

    private static long Number(Match match) => match.Success ? long.Parse(match.Groups["n"].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"(?<n>\d+) requests in (?<time>[\d.]+)(?<unit>[sm])")]
    private static partial Regex Summary();

    [GeneratedRegex(@"Non-2xx or 3xx responses: (?<n>\d+)")]
    private static partial Regex Non2xx();

    [GeneratedRegex(@"Socket errors: connect (?<n>\d+), read (?<n>\d+), write (?<n>\d+), timeout (?<n>\d+)")]
    private static partial Regex SocketErrors();
}
