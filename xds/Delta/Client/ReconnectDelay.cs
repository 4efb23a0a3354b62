namespace Waypoint.Xds.Delta.Client;

/// <summary>The waits between attempts to reach a server: doubling, and random so that the clients of a restarted server do not come back all at once.</summary>
public sealed class ReconnectDelay
{
    private readonly TimeSpan _shortest;
    private readonly TimeSpan _longest;
    private readonly Random _random;
    private TimeSpan _next;

    public ReconnectDelay(TimeSpan shortest, TimeSpan longest, Random random)
    {
        _shortest = _next = shortest;
        _longest = longest;
        _random = random;
    }

    public TimeSpan Next()
    {
        var delay = _next * (0.5 + _random.NextDouble() / 2);
        _next = _next * 2 < _longest ? _next * 2 : _longest;
        return delay;
    }

    public void Reset() => _next = _shortest;
}
