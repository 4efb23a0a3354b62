namespace Waypoint.TestBed.Traffic;

/// <param name="NewConnectionsPerSecond">Each carries one request.</param>
/// <param name="OpenConnections">Kept open throughout.</param>
/// <param name="OpenInterval">Between two requests of one open connection.</param>
public sealed record SteadyLoadOptions(int NewConnectionsPerSecond, int OpenConnections, TimeSpan OpenInterval)
{
    public static SteadyLoadOptions Default { get; } = new(300, 20, TimeSpan.FromMilliseconds(50));
}
