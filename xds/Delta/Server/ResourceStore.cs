namespace Waypoint.Xds.Delta.Server;

/// <summary>
/// All that a control plane serves, by scope and type. A scope is whatever several clients see alike: the whole mesh, one waypoint. Publishing
/// is atomic over scopes and types, and wakes only the streams that watch what changed.
/// </summary>
public sealed class ResourceStore
{
    private readonly Dictionary<(string Scope, string TypeUrl), ResourceCollection> _collections = [];
    private readonly HashSet<ResourceCollection> _changed = [];

    /// <summary>Held while anything is read or written, for microseconds: a client's push walks what changed and nothing else.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>The number of the last publication that changed something.</summary>
    internal long Revision { get; private set; }

    /// <summary>The resources of a type in a scope; empty as long as nothing was published there.</summary>
    public ResourceCollection Collection(string scope, string typeUrl)
    {
        lock (Gate)
        {
            if (!_collections.TryGetValue((scope, typeUrl), out var collection))
            {
                _collections.Add((scope, typeUrl), collection = new ResourceCollection(this, typeUrl));
            }

            return collection;
        }
    }

    public void Publish(ResourceBatch batch)
    {
        lock (Gate)
        {
            Revision++;
            batch.ApplyTo(this);
            foreach (var collection in _changed)
            {
                collection.Published();
            }

            _changed.Clear();
        }
    }

    /// <summary>The scopes and their resources, for dumps.</summary>
    public IReadOnlyList<(string Scope, string TypeUrl, IReadOnlyList<ServedResource> Resources)> Snapshot()
    {
        lock (Gate)
        {
            return [.. _collections
                .Select(entry => (entry.Key.Scope, entry.Key.TypeUrl, entry.Value.Snapshot()))
                .OrderBy(entry => entry.Scope, StringComparer.Ordinal).ThenBy(entry => entry.TypeUrl, StringComparer.Ordinal)];
        }
    }

    internal void Changed(ResourceCollection collection) => _changed.Add(collection);
}
