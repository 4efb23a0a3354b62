namespace Waypoint.Xds.Delta.Server;

/// <summary>Changes that become visible together.</summary>
public sealed class ResourceBatch
{
    private readonly List<Action<ResourceStore>> _changes = [];

    /// <summary>Adds a resource, or puts it in place of the one of its name; an equal one changes nothing.</summary>
    public void Set(string scope, ServedResource resource)
        => _changes.Add(store => store.Collection(scope, resource.TypeUrl).Set(resource));

    public void Remove(string scope, string typeUrl, string name)
        => _changes.Add(store => store.Collection(scope, typeUrl).Remove(name));

    /// <summary>Makes these the only ones of their type in the scope; what is equal stays as it is.</summary>
    public void Replace(string scope, string typeUrl, IReadOnlyCollection<ServedResource> resources)
        => _changes.Add(store => store.Collection(scope, typeUrl).Replace(resources));

    internal void ApplyTo(ResourceStore store)
    {
        foreach (var change in _changes)
        {
            change(store);
        }
    }
}
