using System.Collections.Concurrent;

namespace Waypoint.Proxy.Filters;

/// <summary>
/// What the control plane says of filters that chains only name: whether requests may go on without one that cannot run. Requests read it while the
/// control plane changes it.
/// </summary>
internal sealed class ExtensionStore
{
    private readonly ConcurrentDictionary<string, bool> _failOpen = new(StringComparer.Ordinal);

    public bool Knows(string name) => _failOpen.ContainsKey(name);

    /// <summary>False for one of which nothing was said.</summary>
    public bool FailsOpen(string name) => _failOpen.GetValueOrDefault(name);

    public void Set(string name, bool failsOpen) => _failOpen[name] = failsOpen;

    public void Remove(string name) => _failOpen.TryRemove(name, out _);
}
