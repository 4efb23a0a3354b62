using System.Collections.Immutable;
using System.Net;
using Envoy.Config.Endpoint.V3;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.LoadBalancing.Dns;
using Waypoint.Proxy.Tls;
using Waypoint.Proxy.Xds.Translation;
using Wire = Envoy.Config.Cluster.V3;

namespace Waypoint.Proxy.Xds;

/// <summary>
/// The clusters of CDS joined with the endpoints of EDS, in slots that routes hold: a change of one cluster's endpoints makes that
/// cluster anew and writes one slot. One thread at a time changes it; slots are read by anyone.
/// </summary>
/// <param name="states">Of endpoints.</param>
/// <param name="secrets">For TLS towards endpoints.</param>
/// <param name="resolver">Finds the addresses of endpoints that are known by name.</param>
/// <param name="exclusively">Runs what is to be done when they change, while nobody else changes the table.</param>
internal sealed class ClusterTable(EndpointStates states, SecretStore secrets, IHostResolver resolver, Action<Action> exclusively) : IDisposable
{
    private readonly WeakTable<string, ClusterSlot> _slots = new(name => new ClusterSlot(name));
    private readonly Dictionary<string, Entry> _clusters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Assignment> _assignments = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Entry>> _byEndpointsName = new(StringComparer.Ordinal);
    private readonly ClusterTranslator _clusterTranslator = new(new EndpointTranslator(states), secrets, states.Clock);
    private readonly EndpointTranslator _endpointTranslator = new(states);

    /// <summary>What EDS is to be asked for.</summary>
    public IReadOnlyCollection<string> WantedEndpoints => _byEndpointsName.Keys;

    public bool WantsEndpoints(string name) => _byEndpointsName.ContainsKey(name);

    /// <summary>What SDS is to be asked for.</summary>
    public IEnumerable<string> WantedSecrets => _clusters.Values.SelectMany(entry => entry.Template.Secrets).Distinct();

    public IEnumerable<Cluster> Clusters => _clusters.Values.Select(entry => entry.Slot.Current).OfType<Cluster>();

    public IEnumerable<UnsupportedFeature> Unsupported =>
        _clusters.Values.SelectMany(entry => entry.Unsupported)
            .Concat(_assignments.Values.SelectMany(a => a.Unsupported))
            .Concat(Clusters.Where(c => c.LeavesSidecarsOut).Select(c => new UnsupportedFeature("mutual TLS to sidecars (they are not used)", $"Cluster '{c.Name}'")));

    /// <summary>The place of a cluster, whether it was sent yet or not.</summary>
    public ClusterSlot Slot(string name) => _slots.Get(name);

    /// <summary>True while the endpoints of a cluster were asked for and have not come.</summary>
    public bool IsWaitingForEndpoints(string cluster) =>
        _clusters.TryGetValue(cluster, out var entry)
        && (entry.IsWaiting || (entry.Template.EndpointsName is { } name && !_assignments.ContainsKey(name)));

    /// <exception cref="ResourceException">It cannot be used; the one before it stays.</exception>
    public void Apply(Wire.Cluster cluster)
    {
        var scope = new TranslationScope($"Cluster '{cluster.Name}'");
        if (cluster.Name.Length == 0)
        {
            throw scope.Invalid("name", "empty");
        }

        var template = _clusterTranslator.Translate(cluster, scope);
        var known = _clusters.GetValueOrDefault(cluster.Name)?.Resolution?.Addresses ?? ImmutableDictionary<string, ImmutableArray<IPAddress>>.Empty;
        Remove(cluster.Name, keepSlot: template is not null);
        if (template is null)
        {
            return;
        }

        var entry = new Entry(template, Slot(cluster.Name), scope.UnsupportedFeatures);
        _clusters.Add(cluster.Name, entry);
        if (template.EndpointsName is { } endpoints)
        {
            if (!_byEndpointsName.TryGetValue(endpoints, out var users))
            {
                _byEndpointsName.Add(endpoints, users = []);
            }

            users.Add(entry);
        }

        if (template.Named is { Hosts.Count: > 0 } named)
        {
            Resolve(entry, named, known);
        }

        Fill(entry);
    }

    public void Remove(string cluster)
    {
        Remove(cluster, keepSlot: false);
        ForgetUnwantedEndpoints();
    }

    /// <exception cref="ResourceException">It cannot be used; the one before it stays.</exception>
    public void Apply(ClusterLoadAssignment assignment)
    {
        var scope = new TranslationScope($"ClusterLoadAssignment '{assignment.ClusterName}'");
        var endpoints = _endpointTranslator.Translate(assignment, scope);
        Assign(assignment.ClusterName, new Assignment(endpoints, scope.UnsupportedFeatures));
    }

    public void RemoveEndpoints(string name) => Assign(name, new Assignment(EndpointAssignment.Empty, []));

    /// <summary>Takes what has not come for empty.</summary>
    public void StopWaiting()
    {
        foreach (var name in WantedEndpoints)
        {
            _assignments.TryAdd(name, new Assignment(EndpointAssignment.Empty, []));
        }

        foreach (var entry in _clusters.Values)
        {
            entry.IsWaiting = false;
        }
    }

    public void Dispose()
    {
        foreach (var entry in _clusters.Values)
        {
            entry.Resolution?.Dispose();
        }
    }

    /// <summary>Drops the endpoints that no cluster asks for any more.</summary>
    public void ForgetUnwantedEndpoints()
    {
        foreach (var name in _assignments.Keys)
        {
            if (!_byEndpointsName.ContainsKey(name))
            {
                _assignments.Remove(name);
            }
        }
    }

    private void Assign(string name, Assignment assignment)
    {
        if (!_byEndpointsName.TryGetValue(name, out var users))
        {
            return;
        }

        _assignments[name] = assignment;
        foreach (var entry in users)
        {
            Fill(entry);
        }
    }

    // What was resolved before serves until there are news.
    private void Resolve(Entry entry, NamedEndpoints named, ImmutableDictionary<string, ImmutableArray<IPAddress>> known)
    {
        entry.Resolution = new HostResolution(named.Hosts, named.Settings, resolver, states.Clock.Time, known, resolution => exclusively(() =>
        {
            if (ReferenceEquals(entry.Resolution, resolution) && _clusters.GetValueOrDefault(entry.Template.Name) == entry)
            {
                entry.IsWaiting = false;
                entry.Resolved = Endpoints(resolution);
                Fill(entry);
            }
        }));
        entry.Resolved = Endpoints(entry.Resolution);
        entry.IsWaiting = entry.Resolution.Addresses.IsEmpty;
        entry.Resolution.Start();

        EndpointAssignment Endpoints(HostResolution resolution) =>
            _endpointTranslator.Translate(named.With(resolution.Addresses), new TranslationScope($"Cluster '{entry.Template.Name}'"));
    }

    private void Fill(Entry entry)
    {
        var endpoints = entry.Resolved ?? entry.Template.Inline
            ?? (_assignments.TryGetValue(entry.Template.EndpointsName!, out var sent) ? sent.Endpoints : EndpointAssignment.Empty);
        var cluster = entry.Template.With(endpoints);
        cluster.Follow(entry.Slot.Current);
        entry.Slot.Current = cluster;
    }

    private void Remove(string name, bool keepSlot)
    {
        if (!_clusters.Remove(name, out var entry))
        {
            return;
        }

        entry.Resolution?.Dispose();
        if (!keepSlot)
        {
            entry.Slot.Current = null;
        }

        if (entry.Template.EndpointsName is { } endpoints && _byEndpointsName.TryGetValue(endpoints, out var users))
        {
            users.Remove(entry);
            if (users.Count == 0)
            {
                _byEndpointsName.Remove(endpoints);
            }
        }
    }

    private sealed class Entry(ClusterTemplate template, ClusterSlot slot, IReadOnlyList<UnsupportedFeature> unsupported)
    {
        public ClusterTemplate Template => template;

        public ClusterSlot Slot => slot;

        public IReadOnlyList<UnsupportedFeature> Unsupported => unsupported;

        /// <summary>Null when all endpoints are known by address.</summary>
        public HostResolution? Resolution { get; set; }

        /// <summary>The endpoints as far as their names are resolved.</summary>
        public EndpointAssignment? Resolved { get; set; }

        /// <summary>The names were not asked for yet, and there are no addresses from before.</summary>
        public bool IsWaiting { get; set; }
    }

    private sealed record Assignment(EndpointAssignment Endpoints, IReadOnlyList<UnsupportedFeature> Unsupported);
}
