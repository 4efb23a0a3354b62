using System.Collections.Concurrent;
using System.Net;

namespace Waypoint.Proxy.Listening;

/// <summary>
/// Destinations whose server spoke first the last time: their backend is connected to without waiting for the client. A wrong
/// memory costs one needless connection to a backend, never a wrong answer, as the client's bytes still decide.
/// </summary>
internal sealed class ServerFirstMemory
{
    // Beyond what a waypoint serves; reached only by scans of a range, after which forgetting is right.
    private const int Capacity = 4096;

    private readonly ConcurrentDictionary<IPEndPoint, byte> _destinations = new();

    public bool Holds(IPEndPoint destination) => _destinations.ContainsKey(destination);

    public void Remember(IPEndPoint destination)
    {
        if (_destinations.TryAdd(destination, 0) && _destinations.Count > Capacity)
        {
            _destinations.Clear();
        }
    }

    public void Forget(IPEndPoint destination) => _destinations.TryRemove(destination, out _);
}
