namespace Waypoint.Xds.Delta.Server;

/// <summary>
/// The resources of one type that several clients see alike. They are kept in the order of their last change, so that what is new to a client
/// is the end of the list. A removed name stays as a tombstone until every watching client has passed it.
/// </summary>
public sealed class ResourceCollection
{
    private const int FewTombstones = 64;

    /// <summary>A client that answers nothing while so many names go would keep them all in memory; its stream is ended instead.</summary>
    private const int MostTombstones = 100_000;

    private readonly ResourceStore _store;
    private readonly Dictionary<string, LinkedListNode<ResourceEntry>> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, LinkedListNode<ResourceEntry>> _byAlias = new(StringComparer.Ordinal);
    private readonly LinkedList<ResourceEntry> _byRevision = new();
    private readonly HashSet<ServerSubscription> _watchers = [];
    private int _tombstones;
    private int _worthPruning = FewTombstones;

    internal ResourceCollection(ResourceStore store, string typeUrl)
    {
        _store = store;
        TypeUrl = typeUrl;
    }

    public string TypeUrl { get; }

    /// <summary>When it last changed.</summary>
    internal long Revision => _byRevision.Last?.ValueRef.Revision ?? 0;

    /// <summary>Removed names that are still remembered for someone.</summary>
    internal int Tombstones => _tombstones;

    /// <summary>The resources at this moment.</summary>
    public IReadOnlyList<ServedResource> Snapshot()
    {
        lock (_store.Gate)
        {
            return [.. Live().Select(entry => entry.Resource)];
        }
    }

    internal bool Set(ServedResource resource)
    {
        if (_byName.TryGetValue(resource.Name, out var node))
        {
            if (!node.ValueRef.Removed && node.ValueRef.Resource.Version == resource.Version && node.ValueRef.Resource.Aliases.SequenceEqual(resource.Aliases))
            {
                return false;
            }

            Forget(node);
        }

        node = _byRevision.AddLast(new ResourceEntry(resource, Removed: false, _store.Revision));
        _byName[resource.Name] = node;
        foreach (var alias in resource.Aliases)
        {
            _byAlias[alias] = node;
        }

        _store.Changed(this);
        return true;
    }

    internal bool Remove(string name)
    {
        if (!_byName.TryGetValue(name, out var node) || node.ValueRef.Removed)
        {
            return false;
        }

        var resource = node.ValueRef.Resource;
        Forget(node);
        _byName[name] = _byRevision.AddLast(new ResourceEntry(resource, Removed: true, _store.Revision));
        _tombstones++;
        _store.Changed(this);
        return true;
    }

    internal void Replace(IReadOnlyCollection<ServedResource> resources)
    {
        var names = resources.Select(resource => resource.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var name in Live().Select(entry => entry.Resource.Name).Where(name => !names.Contains(name)).ToList())
        {
            Remove(name);
        }

        foreach (var resource in resources)
        {
            Set(resource);
        }
    }

    internal IEnumerable<ResourceEntry> Live() => _byRevision.Where(entry => !entry.Removed);

    /// <summary>What has changed since a revision, newest first.</summary>
    internal IEnumerable<ResourceEntry> ChangedSince(long revision)
    {
        for (var node = _byRevision.Last; node is not null && node.ValueRef.Revision > revision; node = node.Previous)
        {
            yield return node.ValueRef;
        }
    }

    /// <summary>The resource of a name or an alias; null when there is none.</summary>
    internal ServedResource? Find(string name)
        => _byName.TryGetValue(name, out var node) && !node.ValueRef.Removed || _byAlias.TryGetValue(name, out node) ? node.ValueRef.Resource : null;

    internal void Watch(ServerSubscription watcher)
    {
        lock (_store.Gate)
        {
            _watchers.Add(watcher);
        }
    }

    internal void Unwatch(ServerSubscription watcher)
    {
        lock (_store.Gate)
        {
            _watchers.Remove(watcher);
        }
    }

    /// <summary>Wakes who watches, at the end of a publication.</summary>
    internal void Published()
    {
        // Going through the list costs as much as it has entries; done when half of them are tombstones, that is little for each removal.
        if (_tombstones > _worthPruning && _tombstones > _byRevision.Count / 2)
        {
            Prune();
            _worthPruning = Math.Max(FewTombstones, _tombstones * 2);
        }

        foreach (var watcher in _watchers)
        {
            watcher.Wake();
        }
    }

    private void Prune()
    {
        var passed = _watchers.Count == 0 ? long.MaxValue : _watchers.Min(watcher => watcher.Revision);
        for (var node = _byRevision.First; node is not null && node.ValueRef.Revision <= passed;)
        {
            var next = node.Next;
            if (node.ValueRef.Removed)
            {
                _byName.Remove(node.ValueRef.Resource.Name);
                Forget(node);
            }

            node = next;
        }

        if (_tombstones > MostTombstones)
        {
            foreach (var watcher in _watchers.Where(watcher => watcher.Revision <= passed))
            {
                watcher.Abandon();
            }
        }
    }

    private void Forget(LinkedListNode<ResourceEntry> node)
    {
        _byRevision.Remove(node);
        if (node.ValueRef.Removed)
        {
            _tombstones--;
        }

        foreach (var alias in node.ValueRef.Resource.Aliases)
        {
            // An address may have gone to another workload meanwhile.
            if (_byAlias.TryGetValue(alias, out var owner) && owner == node)
            {
                _byAlias.Remove(alias);
            }
        }
    }
}

/// <summary>A resource or, when removed, the last that its name stood for.</summary>
internal readonly record struct ResourceEntry(ServedResource Resource, bool Removed, long Revision);
