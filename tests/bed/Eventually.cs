using System.Diagnostics;

namespace Waypoint.TestBed;

/// <summary>Waits for a state that can be observed, and only as long as it takes.</summary>
public static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(2);

    /// <summary>Polls until the condition holds, and returns how long that took.</summary>
    /// <param name="what">Completes "still waiting for …" in the exception of a missed deadline.</param>
    public static Task<TimeSpan> TrueAsync(Func<bool> condition, TimeSpan deadline, string what) =>
        TrueAsync(() => Task.FromResult(condition()), deadline, what);

    /// <inheritdoc cref="TrueAsync(Func{bool}, TimeSpan, string)"/>
    public static async Task<TimeSpan> TrueAsync(Func<Task<bool>> condition, TimeSpan deadline, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await condition().ConfigureAwait(false))
        {
            if (Stopwatch.GetElapsedTime(start) > deadline)
            {
                throw new TimeoutException($"after {deadline.TotalSeconds:0.#} s still waiting for {what}");
            }
            await Task.Delay(Interval).ConfigureAwait(false);
        }
        return Stopwatch.GetElapsedTime(start);
    }
}
