using System.Collections.Immutable;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Inventory;

/// <summary>
/// Finds, in one namespace, the pods of a selector and the Services whose selector a pod satisfies, without looking at all of them:
/// a pod is filed under each of its labels, a Service under the first pair of its selector.
/// </summary>
internal sealed class LabelIndex
{
    private static readonly HashSet<NamespacedName> None = [];

    private readonly Dictionary<(string Namespace, string Key, string Value), HashSet<NamespacedName>> _pods = [];
    private readonly Dictionary<(string Namespace, string Key, string Value), HashSet<NamespacedName>> _services = [];

    public void Add(Pod pod)
    {
        foreach ((string key, string value) in pod.Metadata.Labels)
        {
            Add(_pods, (pod.Namespace, key, value), pod.Id);
        }
    }

    public void Remove(Pod pod)
    {
        foreach ((string key, string value) in pod.Metadata.Labels)
        {
            Remove(_pods, (pod.Namespace, key, value), pod.Id);
        }
    }

    public void Add(Service service)
    {
        if (!service.Selector.IsEmpty)
        {
            (string key, string value) = service.Selector.First();
            Add(_services, (service.Namespace, key, value), service.Id);
        }
    }

    public void Remove(Service service)
    {
        if (!service.Selector.IsEmpty)
        {
            (string key, string value) = service.Selector.First();
            Remove(_services, (service.Namespace, key, value), service.Id);
        }
    }

    /// <summary>Pods that may satisfy the selector: those of its rarest pair.</summary>
    public IReadOnlyCollection<NamespacedName> PodCandidates(string space, ImmutableSortedDictionary<string, string> selector)
    {
        HashSet<NamespacedName>? smallest = null;
        foreach ((string key, string value) in selector)
        {
            HashSet<NamespacedName> pods = _pods.GetValueOrDefault((space, key, value), None);
            if (smallest is null || pods.Count < smallest.Count)
            {
                smallest = pods;
            }
        }

        return smallest ?? None;
    }

    /// <summary>Services whose selector may be satisfied by the pod.</summary>
    public IEnumerable<NamespacedName> ServiceCandidates(Pod pod)
    {
        foreach ((string key, string value) in pod.Metadata.Labels)
        {
            foreach (NamespacedName service in _services.GetValueOrDefault((pod.Namespace, key, value), None))
            {
                yield return service;
            }
        }
    }

    private static void Add<TKey>(Dictionary<TKey, HashSet<NamespacedName>> index, TKey key, NamespacedName value)
        where TKey : notnull
    {
        if (!index.TryGetValue(key, out HashSet<NamespacedName>? values))
        {
            index[key] = values = [];
        }

        values.Add(value);
    }

    private static void Remove<TKey>(Dictionary<TKey, HashSet<NamespacedName>> index, TKey key, NamespacedName value)
        where TKey : notnull
    {
        if (index.TryGetValue(key, out HashSet<NamespacedName>? values) && values.Remove(value) && values.Count == 0)
        {
            index.Remove(key);
        }
    }
}
