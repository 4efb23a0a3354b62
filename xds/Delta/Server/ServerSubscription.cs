using Envoy.Service.Discovery.V3;
using Google.Protobuf.Collections;

namespace Waypoint.Xds.Delta.Server;

/// <summary>
/// What one stream has asked of one type, and how far it has been told. What a client holds is not kept: a revision says it, as everything up to
/// it was sent. Used by its stream's loop; only <see cref="Revision"/> is read elsewhere, under the store's gate.
/// </summary>
internal sealed class ServerSubscription : IDisposable
{
    private readonly ResourceStore _store;
    private readonly ResourceCollection? _collection;
    private readonly Wakeup _wakeup;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    // To be answered whatever their revision: names just asked for, or asked for again.
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    // Removals that wait until nobody at the client refers to them.
    private readonly HashSet<string> _heldRemovals = new(StringComparer.Ordinal);
    // What the client brought from an earlier stream, by name and version; null when that has been dealt with.
    private MapField<string, string>? _held;
    private bool _wildcard;
    private bool _everythingAsked;
    private bool _mustAnswer = true;

    /// <param name="request">The first of its type on the stream.</param>
    public ServerSubscription(ResourceStore store, ResourceCollection? collection, Wakeup wakeup, DeltaDiscoveryRequest request)
    {
        _store = store;
        _collection = collection;
        _wakeup = wakeup;
        _held = request.InitialResourceVersions;
        TypeUrl = request.TypeUrl;
        if (request.ResourceNamesSubscribe.Count == 0)
        {
            AskForEverything();
        }

        lock (store.Gate)
        {
            Revision = store.Revision;
            _collection?.Watch(this);
        }
    }

    public string TypeUrl { get; }

    public bool Wildcard => _wildcard;

    public int Names => _names.Count;

    /// <summary>Up to where the client has been told everything that it asked for.</summary>
    public long Revision { get; private set; }

    /// <summary>The response that has been sent and not yet been answered; null when none.</summary>
    public string? AwaitedNonce { get; set; }

    /// <summary>Whether the store has given the client up; its stream has to end.</summary>
    public bool Abandoned { get; private set; }

    public bool HasHeldRemovals => _heldRemovals.Count > 0;

    /// <summary>Whether there may be something to tell. The store's gate is held.</summary>
    public bool IsBehind => _mustAnswer || _everythingAsked || _asked.Count > 0 || (_collection is not null && _collection.Revision > Revision);

    public void Wake() => _wakeup.Signal();

    public void Abandon() => Abandoned = true;

    public void Change(DeltaDiscoveryRequest request)
    {
        foreach (var name in request.ResourceNamesSubscribe)
        {
            if (name == DiscoveryService.Wildcard)
            {
                AskForEverything();
            }
            else
            {
                _names.Add(name);
                _asked.Add(name);
            }
        }

        foreach (var name in request.ResourceNamesUnsubscribe)
        {
            if (name == DiscoveryService.Wildcard)
            {
                _wildcard = _everythingAsked = false;
            }
            else if (_names.Remove(name) && _wildcard)
            {
                // The client has let go of what it still sees by the wildcard, and has to be told again.
                _asked.Add(name);
            }
            else
            {
                _asked.Remove(name);
            }
        }
    }

    /// <summary>Sends a name again if the client asks for it by that name.</summary>
    public void AskAgain(string name)
    {
        if (_names.Contains(name))
        {
            _asked.Add(name);
        }
    }

    /// <summary>What the client has to be told, and marks it as told; null when nothing. The store's gate is held.</summary>
    /// <param name="holdRemovals">Whether removals wait for <see cref="TakeHeldRemovals"/>.</param>
    public DeltaDiscoveryResponse? TakeChanges(bool holdRemovals)
    {
        var response = new DeltaDiscoveryResponse { TypeUrl = TypeUrl };
        var added = new HashSet<string>(StringComparer.Ordinal);
        var removed = new HashSet<string>(StringComparer.Ordinal);
        if (_everythingAsked)
        {
            foreach (var entry in _collection?.Live() ?? [])
            {
                AddUnlessHeld(entry.Resource);
            }
        }
        else
        {
            foreach (var entry in _collection?.ChangedSince(Revision) ?? [])
            {
                if (!Sees(entry.Resource))
                {
                    continue;
                }

                if (entry.Removed)
                {
                    Remove(entry.Resource.Name);
                }
                else
                {
                    Add(entry.Resource);
                }
            }
        }

        foreach (var name in _asked)
        {
            if (_collection?.Find(name) is { } resource)
            {
                AddUnlessHeld(resource);
            }
            else
            {
                // Nothing there is an answer too; without it the client would wait.
                _heldRemovals.Remove(name);
                removed.Add(name);
            }
        }

        foreach (var name in _held?.Keys ?? [])
        {
            if ((_wildcard || _names.Contains(name)) && _collection?.Find(name) is null && !_asked.Contains(name))
            {
                Remove(name);
            }
        }

        var mustAnswer = _mustAnswer;
        Revision = _store.Revision;
        _everythingAsked = _mustAnswer = false;
        _asked.Clear();
        _held = null;
        response.RemovedResources.Add(removed);
        return mustAnswer || response.Resources.Count > 0 || response.RemovedResources.Count > 0 ? response : null;

        void AddUnlessHeld(ServedResource resource)
        {
            if (_held is null || !_held.TryGetValue(resource.Name, out var version) || version != resource.Version)
            {
                Add(resource);
            }
        }

        void Add(ServedResource resource)
        {
            _heldRemovals.Remove(resource.Name);
            if (added.Add(resource.Name))
            {
                response.Resources.Add(resource.Message);
            }
        }

        void Remove(string name)
        {
            if (holdRemovals)
            {
                _heldRemovals.Add(name);
            }
            else
            {
                removed.Add(name);
            }
        }
    }

    public DeltaDiscoveryResponse TakeHeldRemovals()
    {
        var response = new DeltaDiscoveryResponse { TypeUrl = TypeUrl };
        response.RemovedResources.Add(_heldRemovals);
        _heldRemovals.Clear();
        return response;
    }

    public void Dispose() => _collection?.Unwatch(this);

    private void AskForEverything()
    {
        _wildcard = _everythingAsked = true;
    }

    private bool Sees(ServedResource resource) => _wildcard || _names.Contains(resource.Name) || resource.Aliases.Any(_names.Contains);
}
