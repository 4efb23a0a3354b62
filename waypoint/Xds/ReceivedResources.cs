using System.Collections.Concurrent;
using Envoy.Service.Discovery.V3;

namespace Waypoint.Proxy.Xds;

/// <summary>The resources in force as they were received. Workloads are left out: there may be tens of thousands, and the directory has them.</summary>
internal sealed class ReceivedResources
{
    private readonly ConcurrentDictionary<(string Type, string Name), Resource> _resources = [];

    public IReadOnlyList<Resource> OfType(string type) =>
        [.. _resources.Where(r => r.Key.Type == type).Select(r => r.Value).OrderBy(r => r.Name, StringComparer.Ordinal)];

    /// <summary>Whether it says, byte for byte, what is in force already.</summary>
    public bool Holds(string type, Resource resource) =>
        _resources.TryGetValue((type, resource.Name), out var held) && Equals(held.Resource_, resource.Resource_);

    public void Store(string type, Resource resource)
    {
        if (type != ResourceTypes.Workload)
        {
            _resources[(type, resource.Name)] = resource;
        }
    }

    public void Remove(string type, string name) => _resources.TryRemove((type, name), out _);

    /// <summary>Drops those of a type that nothing asks for by name any more: the control plane does not say that they went.</summary>
    public void RemoveUnless(string type, Func<string, bool> wanted)
    {
        foreach (var (key, _) in _resources.Where(r => r.Key.Type == type && !wanted(r.Key.Name)))
        {
            _resources.TryRemove(key, out _);
        }
    }
}
