using Envoy.Service.Discovery.V3;

namespace Waypoint.Xds.Delta.Client;

/// <summary>What a client wants of one type, and what of it it holds. Names may be added and removed at any time, from any thread.</summary>
public sealed class ResourceSubscription
{
    private readonly Lock _gate = new();
    private readonly Action _changed;
    private readonly HashSet<string> _wanted = new(StringComparer.Ordinal);
    private readonly HashSet<string> _toSubscribe = new(StringComparer.Ordinal);
    private readonly HashSet<string> _toUnsubscribe = new(StringComparer.Ordinal);

    // What was accepted: told to the server after a reconnect, so that it sends only the rest.
    private readonly Dictionary<string, string> _versions = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _synchronised = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _opened;
    private long _accepted;
    private long _rejected;
    private DateTimeOffset? _lastAccepted;
    private DateTimeOffset? _lastRejected;
    private string? _lastRejection;

    internal ResourceSubscription(IResourceHandler handler, Action changed)
    {
        Handler = handler;
        _changed = changed;
    }

    /// <summary>Completes when the first answer has been applied, be it empty or partly rejected.</summary>
    public Task Synchronised => _synchronised.Task;

    internal IResourceHandler Handler { get; }

    /// <summary>Asks for more names; "*" is all.</summary>
    public void Add(params IEnumerable<string> names)
    {
        lock (_gate)
        {
            foreach (var name in names)
            {
                if (_wanted.Add(name))
                {
                    // A name that goes and comes back is asked for again, as its holder has let go of it.
                    _toUnsubscribe.Remove(name);
                    _toSubscribe.Add(name);
                }
            }
        }

        _changed();
    }

    /// <summary>No longer asks for names. The handler is not told: who asks no more lets go by itself.</summary>
    public void Remove(params IEnumerable<string> names)
    {
        lock (_gate)
        {
            foreach (var name in names)
            {
                if (_wanted.Remove(name))
                {
                    _toSubscribe.Remove(name);
                    _toUnsubscribe.Add(name);
                    if (!_wanted.Contains(DiscoveryService.Wildcard))
                    {
                        _versions.Remove(name);
                    }
                }
            }
        }

        _changed();
    }

    /// <summary>Asks for exactly these names.</summary>
    public void Set(IReadOnlySet<string> names)
    {
        string[] gone;
        lock (_gate)
        {
            gone = [.. _wanted.Where(name => !names.Contains(name))];
        }

        Remove(gone);
        Add(names);
    }

    /// <summary>Forgets what the last stream was told.</summary>
    internal void StartStream()
    {
        lock (_gate)
        {
            _opened = false;
        }
    }

    /// <summary>What the stream has to be told now; null when nothing.</summary>
    internal DeltaDiscoveryRequest? TakeRequest()
    {
        lock (_gate)
        {
            // A first request without names would mean all of them.
            if (!_opened ? _wanted.Count == 0 : _toSubscribe.Count == 0 && _toUnsubscribe.Count == 0)
            {
                return null;
            }

            var request = new DeltaDiscoveryRequest { TypeUrl = Handler.TypeUrl };
            if (_opened)
            {
                request.ResourceNamesSubscribe.Add(_toSubscribe);
                request.ResourceNamesUnsubscribe.Add(_toUnsubscribe);
            }
            else
            {
                // "All and nothing else" is said by no names, which servers understand that do not know "*".
                if (_wanted.Count > 1 || !_wanted.Contains(DiscoveryService.Wildcard))
                {
                    request.ResourceNamesSubscribe.Add(_wanted);
                }

                request.InitialResourceVersions.Add(_versions);
                _opened = true;
            }

            _toSubscribe.Clear();
            _toUnsubscribe.Clear();
            return request;
        }
    }

    /// <summary>Applies an answer. The result is the NACK's text; null means ACK.</summary>
    internal async Task<string?> ApplyAsync(DeltaDiscoveryResponse response, CancellationToken cancellation)
    {
        var (update, rejections) = Select(response);
        try
        {
            var result = await Handler.ApplyAsync(update, cancellation).ConfigureAwait(false);
            rejections.AddRange(result.Rejections);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            rejections.AddRange(update.Changed.Select(resource => new Rejection(resource.Name, e.Message)));
            if (update.Changed.Count == 0)
            {
                rejections.Add(new Rejection(string.Join(", ", update.Removed), e.Message));
            }
        }

        var text = Record(update, rejections);
        _synchronised.TrySetResult();
        return text;
    }

    internal SubscriptionStatus Status()
    {
        lock (_gate)
        {
            var wildcard = _wanted.Contains(DiscoveryService.Wildcard);
            return new SubscriptionStatus(
                Handler.TypeUrl, wildcard, _wanted.Count - (wildcard ? 1 : 0), _versions.Count, _accepted, _rejected, _lastAccepted, _lastRejected, _lastRejection);
        }
    }

    private (ResourceUpdate Update, List<Rejection> Rejections) Select(DeltaDiscoveryResponse response)
    {
        var changed = new List<ReceivedResource>(response.Resources.Count);
        var rejections = new List<Rejection>();
        var places = new Dictionary<string, int>(response.Resources.Count, StringComparer.Ordinal);
        lock (_gate)
        {
            foreach (var resource in response.Resources)
            {
                // An answer may cross a request that takes its names back; and a resource without a body is a heartbeat of its time to live.
                if (!IsWanted(resource.Name, resource.Aliases) || resource.Resource_ is not { } body)
                {
                    continue;
                }

                if (body.TypeUrl != Handler.TypeUrl)
                {
                    rejections.Add(new Rejection(resource.Name, $"it is a {body.TypeUrl}"));
                    continue;
                }

                var received = new ReceivedResource(resource.Name, resource.Version, body.Value, resource.Aliases);
                if (places.TryAdd(resource.Name, changed.Count))
                {
                    changed.Add(received);
                }
                else
                {
                    changed[places[resource.Name]] = received;
                }
            }
        }

        return (new ResourceUpdate(changed, response.RemovedResources), rejections);
    }

    private bool IsWanted(string name, IReadOnlyList<string> aliases)
        => _wanted.Contains(DiscoveryService.Wildcard) || _wanted.Contains(name) || aliases.Any(_wanted.Contains);

    private string? Record(ResourceUpdate update, List<Rejection> rejections)
    {
        lock (_gate)
        {
            var rejected = rejections.Select(r => r.Name).ToHashSet(StringComparer.Ordinal);
            foreach (var resource in update.Changed)
            {
                if (!rejected.Contains(resource.Name) && IsWanted(resource.Name, resource.Aliases))
                {
                    _versions[resource.Name] = resource.Version;
                }
            }

            foreach (var name in update.Removed)
            {
                _versions.Remove(name);
            }

            if (rejections.Count == 0)
            {
                _accepted++;
                _lastAccepted = DateTimeOffset.UtcNow;
                return null;
            }

            _rejected++;
            _lastRejected = DateTimeOffset.UtcNow;
            return _lastRejection = string.Join("; ", rejections.Select(r => $"{r.Name}: {r.Reason}"));
        }
    }
}
