using Waypoint.NodeAgent.Kubernetes;
using Waypoint.NodeAgent.Kubernetes.Model;
using Waypoint.NodeAgent.Workloads;
using Waypoint.Xds.Delta;
using Service = Waypoint.NodeAgent.Kubernetes.Model.Service;

namespace Waypoint.NodeAgent.ClusterServices;

/// <summary>The services of the cluster and their endpoint slices, as the API last told.</summary>
internal sealed class ServiceInventory(Node node) : IResourceSink<Service>, IResourceSink<EndpointSlice>
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Service> _services = [];
    private readonly Dictionary<string, EndpointSlice> _slices = [];

    // The slices of a service, by their own names; also of services that are not known (yet).
    private readonly Dictionary<string, Dictionary<string, EndpointSlice>> _slicesOf = [];
    private readonly HashSet<string> _changed = [];
    private readonly TaskCompletionSource _listed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _servicesListed;
    private bool _slicesListed;

    /// <summary>Told of each change.</summary>
    public Wakeup Changed { get; } = new();

    /// <summary>Done once both kinds have been listed.</summary>
    public Task Listed => _listed.Task;

    /// <summary>What has changed since the last call, by the services' keys; null before everything has been listed once.</summary>
    public IReadOnlyDictionary<string, ServiceTranslation>? TakeChanges()
    {
        lock (_gate)
        {
            if (!Listed.IsCompleted)
            {
                return null;
            }

            var changes = _changed.ToDictionary(key => key, Translate);
            _changed.Clear();
            return changes;
        }
    }

    public ClusterService? Find(string key)
    {
        lock (_gate)
        {
            return Translate(key).Service;
        }
    }

    public void Replace(IReadOnlyList<Service> items) => Change(() =>
    {
        _changed.UnionWith(_services.Keys);
        _services.Clear();
        foreach (Service item in items)
        {
            Store(item);
        }

        _servicesListed = true;
    });

    public void Put(Service item) => Change(() => Store(item));

    public void Remove(Service item) => Change(() =>
    {
        string key = ServiceTranslator.KeyOf(item.Metadata);
        _services.Remove(key);
        _changed.Add(key);
    });

    public void Replace(IReadOnlyList<EndpointSlice> items) => Change(() =>
    {
        _changed.UnionWith(_slicesOf.Keys);
        _slices.Clear();
        _slicesOf.Clear();
        foreach (EndpointSlice item in items)
        {
            Store(item);
        }

        _slicesListed = true;
    });

    public void Put(EndpointSlice item) => Change(() =>
    {
        Drop(item);
        Store(item);
    });

    public void Remove(EndpointSlice item) => Change(() => Drop(item));

    private void Change(Action change)
    {
        lock (_gate)
        {
            change();
            if (_servicesListed && _slicesListed)
            {
                _listed.TrySetResult();
            }
        }

        Changed.Signal();
    }

    private ServiceTranslation Translate(string key) => _services.TryGetValue(key, out Service? service)
        ? ServiceTranslator.Translate(service, _slicesOf.TryGetValue(key, out Dictionary<string, EndpointSlice>? slices) ? slices.Values : [], node)
        : ServiceTranslation.Nothing;

    private void Store(Service service)
    {
        string key = ServiceTranslator.KeyOf(service.Metadata);
        _services[key] = service;
        _changed.Add(key);
    }

    private void Store(EndpointSlice slice)
    {
        if (ServiceOf(slice) is not { } service)
        {
            return;
        }

        string name = ServiceTranslator.KeyOf(slice.Metadata);
        if (!_slicesOf.TryGetValue(service, out Dictionary<string, EndpointSlice>? slices))
        {
            _slicesOf[service] = slices = [];
        }

        slices[name] = slice;
        _slices[name] = slice;
        _changed.Add(service);
    }

    // As it was known: its label may have been another's.
    private void Drop(EndpointSlice slice)
    {
        string name = ServiceTranslator.KeyOf(slice.Metadata);
        if (!_slices.Remove(name, out EndpointSlice? known) || ServiceOf(known) is not { } service)
        {
            return;
        }

        if (_slicesOf.TryGetValue(service, out Dictionary<string, EndpointSlice>? slices) && slices.Remove(name) && slices.Count == 0)
        {
            _slicesOf.Remove(service);
        }

        _changed.Add(service);
    }

    private static string? ServiceOf(EndpointSlice slice) =>
        slice.Metadata.Label(EndpointSlice.ServiceName) is { Length: > 0 } name ? $"{slice.Metadata.Namespace}/{name}" : null;
}
