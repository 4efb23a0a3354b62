using System.Net;

namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// The run-time state of every address in use. An address that stays in the configuration keeps its state, whichever clusters
/// name it and however often they change.
/// </summary>
internal sealed class EndpointStates(HealthClock clock)
{
    private readonly WeakTable<IPEndPoint, EndpointState> _states = new(_ => new EndpointState(clock));

    public HealthClock Clock { get; } = clock;

    public EndpointState Get(IPEndPoint address) => _states.Get(address);
}
