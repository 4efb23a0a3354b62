using Waypoint.NodeAgent.Kubernetes;
using Waypoint.NodeAgent.Kubernetes.Model;
using Waypoint.Xds.Delta;

namespace Waypoint.NodeAgent.Enrolment.Labels;

/// <summary>The pods of this node and the labels of all namespaces, as the API last told.</summary>
internal sealed class NodePods : IResourceSink<Pod>, IResourceSink<Namespace>
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Pod> _pods = [];
    private readonly Dictionary<string, IReadOnlyDictionary<string, string>?> _namespaces = [];
    private bool _podsListed;
    private bool _namespacesListed;

    /// <summary>Told of each change.</summary>
    public Wakeup Changed { get; } = new();

    /// <summary>All that is known; null before everything has been listed once.</summary>
    public IReadOnlyList<KeyValuePair<Pod, EnrolmentVerdict>>? Decide()
    {
        lock (_gate)
        {
            return _podsListed && _namespacesListed
                ? [.. _pods.Values.Select(pod => KeyValuePair.Create(
                    pod, EnrolmentRule.Decide(pod, _namespaces.GetValueOrDefault(pod.Metadata.Namespace))))]
                : null;
        }
    }

    public void Replace(IReadOnlyList<Pod> items)
    {
        lock (_gate)
        {
            _pods.Clear();
            foreach (Pod pod in items)
            {
                _pods[pod.Metadata.Uid] = pod;
            }

            _podsListed = true;
        }

        Changed.Signal();
    }

    public void Put(Pod item)
    {
        lock (_gate)
        {
            _pods[item.Metadata.Uid] = item;
        }

        Changed.Signal();
    }

    public void Remove(Pod item)
    {
        lock (_gate)
        {
            _pods.Remove(item.Metadata.Uid);
        }

        Changed.Signal();
    }

    public void Replace(IReadOnlyList<Namespace> items)
    {
        lock (_gate)
        {
            _namespaces.Clear();
            foreach (Namespace item in items)
            {
                _namespaces[item.Metadata.Name] = item.Metadata.Labels;
            }

            _namespacesListed = true;
        }

        Changed.Signal();
    }

    public void Put(Namespace item)
    {
        lock (_gate)
        {
            _namespaces[item.Metadata.Name] = item.Metadata.Labels;
        }

        Changed.Signal();
    }

    public void Remove(Namespace item)
    {
        lock (_gate)
        {
            _namespaces.Remove(item.Metadata.Name);
        }

        Changed.Signal();
    }
}
