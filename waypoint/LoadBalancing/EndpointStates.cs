using System.Net;

namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// The run-time state of every address in use. An address that stays in the configuration keeps its state, whichever clusters
/// name it; one that nothing refers to any more, neither a cluster nor a running request, is forgotten by the garbage collector.
/// </summary>
internal sealed class EndpointStates(HealthClock clock)
{
    private const int SmallestPurge = 256;

    private readonly Dictionary<IPEndPoint, WeakReference<EndpointState>> _states = [];
    private readonly Lock _gate = new();
    private int _purgeAt = SmallestPurge;

    public HealthClock Clock { get; } = clock;

    public EndpointState Get(IPEndPoint address)
    {
        lock (_gate)
        {
            if (_states.TryGetValue(address, out var reference))
            {
                if (reference.TryGetTarget(out var known))
                {
                    return known;
                }

                var again = new EndpointState(Clock);
                reference.SetTarget(again);
                return again;
            }

            if (_states.Count >= _purgeAt)
            {
                Purge();
            }

            var state = new EndpointState(Clock);
            _states.Add(address, new WeakReference<EndpointState>(state));
            return state;
        }
    }

    private void Purge()
    {
        foreach (var (address, reference) in _states)
        {
            if (!reference.TryGetTarget(out _))
            {
                _states.Remove(address);
            }
        }

        _purgeAt = Math.Max(SmallestPurge, _states.Count * 2);
    }
}
