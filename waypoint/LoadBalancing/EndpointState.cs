namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// What is known of an endpoint at run time. Kept per address and shared by every route and cluster that names it
/// (design D10), and carried over from one configuration to the next.
/// </summary>
internal sealed class EndpointState
{
    private int _activeRequests;

    public int ActiveRequests => Volatile.Read(ref _activeRequests);

    public void RequestStarted() => Interlocked.Increment(ref _activeRequests);

    public void RequestEnded() => Interlocked.Decrement(ref _activeRequests);
}
