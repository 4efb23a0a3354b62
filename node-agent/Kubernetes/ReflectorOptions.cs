namespace Waypoint.NodeAgent.Kubernetes;

/// <summary>How patient a <see cref="Reflector{T}"/> is.</summary>
internal sealed record ReflectorOptions
{
    /// <summary>After how long the server is asked to end a watch, at least; up to twice as long.</summary>
    public TimeSpan WatchDuration { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The first wait after a watch has ended; it doubles up to <see cref="LongestDelay"/>, each with a random half taken off.</summary>
    public TimeSpan ShortestDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After a watch that lived for so long the waits begin at the shortest again.</summary>
    public TimeSpan HealthyAfter { get; init; } = TimeSpan.FromSeconds(5);
}
