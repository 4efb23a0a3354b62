using System.Diagnostics;

namespace Waypoint.Xds.Tests;

/// <summary>Waits for a state that can be observed.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    public static async Task HoldsAsync(Func<bool> condition, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Deadline, $"This did not come to hold in {Deadline}: {what}");
            await Task.Delay(2);
        }
    }
}
