using Envoy.Config.Endpoint.V3;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Tls;
using Waypoint.Proxy.Xds.Translation;
using Wire = Envoy.Config.Cluster.V3;

namespace Waypoint.Proxy.Xds;

/// <summary>
/// The clusters of CDS joined with the endpoints of EDS, in slots that routes hold: a change of one cluster's endpoints makes that
/// cluster anew and writes one slot. One thread at a time changes it; slots are read by anyone.
/// </summary>
internal sealed class ClusterTable(EndpointStates states, SecretStore secrets)
{
    private readonly WeakTable<string, ClusterSlot> _slots = new(name => new ClusterSlot(name));
    private readonly Dictionary<string, Entry> _clusters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Assignment> _assignments = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Entry>> _byEndpointsName = new(StringComparer.Ordinal);
    private readonly ClusterTranslator _clusterTranslator = new(new EndpointTranslator(states), secrets, states.Clock);
    private readonly EndpointTranslator _endpointTranslator = new(states);

    /// <summary>What EDS is to be asked for.</summary>
    public IReadOnlyCollection<string> WantedEndpoints => _byEndpointsName.Keys;

    /// <summary>What SDS is to be asked for.</summary>
    public IEnumerable<string> WantedSecrets => _clusters.Values.SelectMany(entry => entry.Template.Secrets).Distinct();

    public IEnumerable<Cluster> Clusters => _clusters.Values.Select(entry => entry.Slot.Current).OfType<Cluster>();

    public IEnumerable<UnsupportedFeature> Unsupported =>
        _clusters.Values.SelectMany(entry => entry.Unsupported).Concat(_assignments.Values.SelectMany(a => a.Unsupported));

    /// <summary>The place of a cluster, whether it was sent yet or not.</summary>
    public ClusterSlot Slot(string name) => _slots.Get(name);

    /// <summary>True while the endpoints of a cluster were asked for and have not come.</summary>
    public bool IsWaitingForEndpoints(string cluster) =>
        _clusters.TryGetValue(cluster, out var entry)
        && entry.Template.EndpointsName is { } name
        && !_assignments.ContainsKey(name);

    /// <exception cref="ResourceException">It cannot be used; the one before it stays.</exception>
    public void Apply(Wire.Cluster cluster)
    {
        var scope = new TranslationScope($"Cluster '{cluster.Name}'");
        if (cluster.Name.Length == 0)
        {
            throw scope.Invalid("name", "empty");
        }

        var template = _clusterTranslator.Translate(cluster, scope);
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

    private void Fill(Entry entry)
    {
        var endpoints = entry.Template.Inline
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

    private sealed record Entry(ClusterTemplate Template, ClusterSlot Slot, IReadOnlyList<UnsupportedFeature> Unsupported);

    private sealed record Assignment(EndpointAssignment Endpoints, IReadOnlyList<UnsupportedFeature> Unsupported);
}
