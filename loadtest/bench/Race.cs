using Waypoint.TestBed;
using Waypoint.TestBed.Mesh;

namespace Waypoint.Bench;

/// <param name="Process">The proxy; null when there is none.</param>
internal sealed record Contestant(string Name, string Url, int? Process);

/// <summary>Medians over the rounds.</summary>
/// <param name="CpuPerRequest">The proxy's own processor time, in microseconds; null without a proxy.</param>
internal sealed record RaceResult(string Name, double PerSecond, double? CpuPerRequest, TimeSpan P50, TimeSpan P99, long Failed);

/// <summary>
/// Sends every contestant the same load, in turn and again in every round, so that a drift of the machine meets them all.
/// The rate for latencies is half of what the slowest got through, the same for all.
/// </summary>
internal sealed class Race(Sandbox client, IReadOnlyList<Contestant> contestants, TimeSpan time, int rounds)
{
    // Tiered compilation needs some ten seconds under load, or what is measured is the JIT compiler.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(12);

    public async Task<IReadOnlyList<RaceResult>> RunAsync()
    {
        var saturated = contestants.ToDictionary(contestant => contestant, _ => new List<(Throughput Throughput, double? Cpu)>());
        foreach (var contestant in contestants)
        {
            await Load.AnswersAsync(client, contestant.Url);
            await Load.SaturateAsync(client, contestant.Url, contestant.Process is null ? time : WarmUp);
        }

        for (var round = 0; round < rounds; round++)
        {
            foreach (var contestant in contestants)
            {
                saturated[contestant].Add(await SaturateAsync(contestant));
            }
        }

        var rate = saturated.Values.Min(runs => Median(runs.Select(run => run.Throughput.PerSecond))) / 2;
        var paced = contestants.ToDictionary(contestant => contestant, _ => new List<Latency>());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var contestant in contestants)
            {
                paced[contestant].Add(await Load.AtRateAsync(client, contestant.Url, rate, time));
            }
        }

        return [.. contestants.Select(contestant => new RaceResult(
            contestant.Name,
            Median(saturated[contestant].Select(run => run.Throughput.PerSecond)),
            contestant.Process is null ? null : Median(saturated[contestant].Select(run => run.Cpu!.Value)),
            TimeSpan.FromMicroseconds(Median(paced[contestant].Select(run => run.P50.TotalMicroseconds))),
            TimeSpan.FromMicroseconds(Median(paced[contestant].Select(run => run.P99.TotalMicroseconds))),
            saturated[contestant].Sum(run => run.Throughput.Errors) + paced[contestant].Sum(run => run.Failed)))];
    }

    internal static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private async Task<(Throughput Throughput, double? Cpu)> SaturateAsync(Contestant contestant)
    {
        if (contestant.Process is not { } process)
        {
            return (await Load.SaturateAsync(client, contestant.Url, time), null);
        }

        var before = Cpu.Of(process);
        var throughput = await Load.SaturateAsync(client, contestant.Url, time);
        return (throughput, (Cpu.Of(process) - before).TotalMicroseconds / throughput.Requests);
    }
}
