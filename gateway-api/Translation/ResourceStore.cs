namespace Waypoint.GatewayApi.Translation;

/// <summary>Who is served a resource: everyone, or the pods of one waypoint Gateway.</summary>
internal readonly record struct ResourceScope(Model.NamespacedName? Waypoint)
{
    public static ResourceScope Everyone => default;

    public override string ToString() => Waypoint is { } waypoint ? $"waypoint {waypoint}" : "everyone";
}

/// <summary>One difference to what is served; a null resource is a removal.</summary>
internal readonly record struct ResourceChange(ResourceScope Scope, string TypeUrl, string Name, XdsResource? Resource);

/// <summary>
/// The finished resources. A set that equals what is there is no change, so nothing is sent for it. Not thread-safe: the control loop
/// owns it.
/// </summary>
internal sealed class ResourceStore
{
    private readonly Dictionary<(ResourceScope Scope, string TypeUrl), SortedDictionary<string, XdsResource>> _tables = [];
    private List<ResourceChange> _changes = [];

    public IEnumerable<(ResourceScope Scope, string TypeUrl)> Tables => _tables.Keys;

    public IReadOnlyCollection<XdsResource> Get(ResourceScope scope, string typeUrl) =>
        _tables.TryGetValue((scope, typeUrl), out SortedDictionary<string, XdsResource>? table) ? table.Values : [];

    public XdsResource? Get(ResourceScope scope, string typeUrl, string name) =>
        _tables.TryGetValue((scope, typeUrl), out SortedDictionary<string, XdsResource>? table) ? table.GetValueOrDefault(name) : null;

    public void Set(ResourceScope scope, XdsResource resource)
    {
        if (!_tables.TryGetValue((scope, resource.TypeUrl), out SortedDictionary<string, XdsResource>? table))
        {
            _tables[(scope, resource.TypeUrl)] = table = new(StringComparer.Ordinal);
        }

        if (table.TryGetValue(resource.Name, out XdsResource? old) && old.Version == resource.Version)
        {
            return;
        }

        table[resource.Name] = resource;
        _changes.Add(new ResourceChange(scope, resource.TypeUrl, resource.Name, resource));
    }

    public void Remove(ResourceScope scope, string typeUrl, string name)
    {
        if (_tables.TryGetValue((scope, typeUrl), out SortedDictionary<string, XdsResource>? table) && table.Remove(name))
        {
            _changes.Add(new ResourceChange(scope, typeUrl, name, null));
        }
    }

    /// <summary>Removes everything of a scope.</summary>
    public void Clear(ResourceScope scope)
    {
        foreach ((ResourceScope other, string typeUrl) in _tables.Keys.Where(table => table.Scope == scope).ToList())
        {
            foreach (string name in _tables[(other, typeUrl)].Keys.ToList())
            {
                Remove(scope, typeUrl, name);
            }
        }
    }

    /// <summary>The changes since the last call.</summary>
    public IReadOnlyList<ResourceChange> TakeChanges()
    {
        List<ResourceChange> changes = _changes;
        _changes = [];
        return changes;
    }
}
