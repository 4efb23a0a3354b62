using System.Text.Json;

namespace Waypoint.Cluster.Tests.Clients;

/// <summary>What became of a steady load.</summary>
/// <param name="Requests">How many were sent.</param>
/// <param name="Failed">How many got another answer than 200 from the waypoint, or none.</param>
/// <param name="NotSent">How many k6 did not send, because it was busy with those before them: the machine's limit, no failure.</param>
/// <param name="P50">Milliseconds.</param>
/// <param name="P99">Milliseconds.</param>
/// <param name="Max">Milliseconds.</param>
internal sealed record LoadResult(int Requests, int Failed, int NotSent, double P50, double P99, double Max)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    /// <summary>A line a failure.</summary>
    public string Failures { get; private init; } = "";

    public static LoadResult Parse(string log)
    {
        var lines = log.Split('\n');
        var sum = lines.FirstOrDefault(l => l.StartsWith("SUM ", StringComparison.Ordinal)) ?? throw new InvalidOperationException($"k6 did not end well:\n{log}");
        return JsonSerializer.Deserialize<LoadResult>(sum[4..], Options)! with
        {
            Failures = string.Join('\n', lines.Where(l => l.Contains("FAILED", StringComparison.Ordinal)).Take(20)),
        };
    }
}
