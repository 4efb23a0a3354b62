namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// The time, and a version that moves when the health of any endpoint does. Clusters keep their lists of usable endpoints
/// until then, so that a pick reads one number instead of every endpoint's state.
/// </summary>
internal sealed class HealthClock(TimeProvider time)
{
    private int _version;

    /// <summary>The process's own.</summary>
    public static HealthClock System { get; } = new(TimeProvider.System);

    public TimeProvider Time { get; } = time;

    public int Version => Volatile.Read(ref _version);

    public void Changed() => Interlocked.Increment(ref _version);
}
