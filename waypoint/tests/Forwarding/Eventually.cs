using System.Diagnostics;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>Waits for what can be observed and not awaited.</summary>
internal static class Eventually
{
    public static async Task HoldsAsync(Func<bool> condition)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(10), "The condition did not come about.");
            await Task.Delay(1);
        }
    }
}
