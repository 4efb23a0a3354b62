using System.Diagnostics;
using Istio.Workload;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Enrolment;
using Waypoint.NodeAgent.Intent;
using Waypoint.NodeAgent.Libbpf;
using Waypoint.NodeAgent.Maps;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Reconciliation;

/// <summary>
/// Where everything meets: what the control plane says and which pods are enrolled become an intent, and the intent becomes map writes.
/// One change at a time, whoever brings it; each is compiled and written before the call returns.
/// </summary>
internal sealed partial class Reconciler
{
    private readonly Lock _gate = new();
    private readonly IKernelMaps _maps;
    private readonly ILogger<Reconciler> _logger;
    private readonly AddressDecoder _decoder;
    private readonly WorkloadStore _store;
    private readonly IntentBuilder _intent;
    private readonly MapWriter _writer;
    private readonly PodRegistry _pods = new();
    private readonly SortedDictionary<string, string> _rejected = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _synchronized = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _served = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _meshIsKnown;
    private bool _clusterIsKnown;

    public Reconciler(Node node, IKernelMaps maps, ILogger<Reconciler> logger)
    {
        _maps = maps;
        _logger = logger;
        _decoder = new AddressDecoder(node.Network);
        _store = new WorkloadStore(node);
        _intent = new IntentBuilder(_store);
        _writer = new MapWriter(maps);
        _pods.Adopt(maps.Pods.ReadAll());
        _clusterIsKnown = !node.ReplacesKubeProxy;
        if (node.ReplacesKubeProxy)
        {
            _store.Cluster.Inherit(new InheritedAddresses(
                _writer.Mirror.AddressesOf(entry => entry.Waypoint != 0),
                _writer.Mirror.AddressesOf(entry => entry.Flags.HasFlag(ServiceFlags.ForAll))));
        }
    }

    /// <summary>Done once the control plane has said all it knows and the maps say the same.</summary>
    public Task Synchronized => _synchronized.Task;

    /// <summary>Done once the Kubernetes API has told of all services and the maps serve them.</summary>
    public Task Served => _served.Task;

    public MeshIntent Intent => _intent.Current;

    public ReconcilerStatistics Statistics { get; private set; } = new();

    private ReconcilerState State => new(_store, _pods, _writer, _rejected);

    /// <summary>
    /// Takes a response of the control plane: the first one is complete, the others are differences. What cannot be used is left out, and
    /// its last good version stays.
    /// </summary>
    /// <returns>For each resource that cannot be used: its name, and the field with what is wrong with it.</returns>
    public IReadOnlyList<KeyValuePair<string, string>> Apply(IEnumerable<KeyValuePair<string, Address>> resources, IEnumerable<string> removed)
    {
        lock (_gate)
        {
            var changes = new StoreChanges();
            var rejected = new List<KeyValuePair<string, string>>();
            foreach ((string name, Address resource) in resources)
            {
                try
                {
                    Put(name, resource, changes);
                    _rejected.Remove(name);
                }
                catch (InvalidResourceException exception)
                {
                    _rejected[name] = exception.Message;
                    rejected.Add(KeyValuePair.Create(name, exception.Message));
                    LogRejected(name, exception.Message);
                }
            }

            foreach (string name in removed)
            {
                _rejected.Remove(name);
                _store.Remove(name, changes);
            }

            if (!_meshIsKnown)
            {
                _meshIsKnown = true;
                _store.Cluster.ReleaseReserved(changes);

                // The entries of services go by its names from here on; what is in the maps is to keep its numbers, which open connections have.
                _writer.ReadAgain();
            }

            Commit(changes);
            _synchronized.TrySetResult();
            return rejected;
        }
    }

    /// <summary>Takes what the Kubernetes API says of services, where there is no kube-proxy: all of them first, then differences.</summary>
    /// <param name="removed">By key; unknown ones are fine.</param>
    public void ApplyCluster(IEnumerable<ClusterService> changed, IEnumerable<string> removed)
    {
        lock (_gate)
        {
            var changes = new StoreChanges();
            foreach (ClusterService service in changed)
            {
                _store.Cluster.Put(service, changes);
            }

            foreach (string key in removed)
            {
                _store.Cluster.Remove(key, changes);
            }

            if (!_clusterIsKnown)
            {
                _clusterIsKnown = true;
                _store.Cluster.ReleaseForAll(changes);
            }

            Commit(changes);
            _served.TrySetResult();
        }
    }

    /// <exception cref="EnrolmentException">The kernel's map has no room for it.</exception>
    public void Enrol(EnrolledPod pod)
    {
        lock (_gate)
        {
            EnrolledPod? before = _pods.Put(pod);
            if (!TryWrite(pod))
            {
                if (before is null)
                {
                    _pods.Remove(pod.Cookie, out _);
                }
                else
                {
                    _pods.Put(before);
                }

                throw new EnrolmentException(
                    $"{pod.Name ?? pod.Path}: the kernel's map of pods, which holds {_maps.Pods.Capacity}, took no other.", EnrolmentFailure.MapFull);
            }

            LogEnrolled(pod.Name ?? pod.Path, pod.Cookie, pod.Addresses.ToString());
        }
    }

    /// <summary>Whether it is enrolled under that name and with those addresses.</summary>
    public bool IsEnrolled(EnrolledPod pod)
    {
        lock (_gate)
        {
            return _pods.TryGet(pod.Cookie, out EnrolledPod? known) && known.Name == pod.Name && known.Addresses == pod.Addresses;
        }
    }

    /// <returns>Whether it was enrolled.</returns>
    public bool Unenrol(ulong cookie)
    {
        lock (_gate)
        {
            if (!_pods.Remove(cookie, out EnrolledPod? pod))
            {
                return false;
            }

            Forget([cookie]);
            LogUnenrolled(pod.Name, cookie);
            return true;
        }
    }

    /// <summary>Un-enrols the pods whose network namespaces have ended, and tries again what could not be written.</summary>
    /// <param name="livingNamespaces">Null: not known.</param>
    public void Sweep(IReadOnlySet<ulong>? livingNamespaces)
    {
        lock (_gate)
        {
            IReadOnlyList<EnrolledPod> gone = livingNamespaces is null ? [] : _pods.Sweep(livingNamespaces);
            foreach (EnrolledPod pod in gone)
            {
                LogVanished(pod.Name, pod.Cookie);
            }

            if (gone.Count > 0)
            {
                Forget([.. gone.Select(pod => pod.Cookie)]);
            }

            if ((Synchronized.IsCompleted || Served.IsCompleted) && _writer.IsBehind)
            {
                Commit(new StoreChanges());
            }
        }
    }

    /// <summary>Looks at the state while nobody changes it.</summary>
    public T Read<T>(Func<ReconcilerState, T> read)
    {
        lock (_gate)
        {
            return read(State);
        }
    }

    /// <inheritdoc cref="Read{T}"/>
    public void Read(Action<ReconcilerState> read)
    {
        lock (_gate)
        {
            read(State);
        }
    }

    private void Put(string name, Address resource, StoreChanges changes)
    {
        switch (resource.TypeCase)
        {
            case Address.TypeOneofCase.Service:
                _store.Put(_decoder.Decode(name, resource.Service), changes);
                break;
            case Address.TypeOneofCase.Workload:
                _store.Put(_decoder.Decode(name, resource.Workload), changes);
                break;
            default:
                throw new InvalidResourceException(name, "type", "is neither a workload nor a service");
        }
    }

    // Before the control plane has spoken the store is empty: to write what it means would undo what an earlier life knew.
    private bool TryWrite(EnrolledPod pod)
    {
        if (Synchronized.IsCompleted)
        {
            Commit(new StoreChanges());
            return _writer.Mirror.Pods.ContainsKey(pod.Cookie);
        }

        try
        {
            _writer.EnrolAhead(pod.Cookie, pod.Addresses);
            return true;
        }
        catch (KernelMapFullException)
        {
            return false;
        }
    }

    private void Forget(ulong[] cookies)
    {
        if (Synchronized.IsCompleted)
        {
            Commit(new StoreChanges());
        }
        else
        {
            _maps.Pods.Remove(cookies);
        }
    }

    private void Commit(StoreChanges changes)
    {
        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<UnitChange> differences = _intent.Update(changes, _pods.Addresses);
        TimeSpan compiled = Stopwatch.GetElapsedTime(start);
        try
        {
            // What an earlier life wrote is only a stranger once all have spoken who could know it. Who is a waypoint, the mesh alone knows.
            MapTransactionResult result = _writer.Commit(
                differences, _meshIsKnown ? _intent.Current.Pods : null, keepStrangers: _rejected.Count > 0 || !_meshIsKnown || !_clusterIsKnown);
            Statistics = Statistics.With(result);
            LogCommitted(result.Writes, result.Deletes, compiled.TotalMilliseconds, (Stopwatch.GetElapsedTime(start) - compiled).TotalMilliseconds);
            foreach (MapFull full in result.Full)
            {
                LogFull(full.Map, full.Capacity, full.Missing);
            }
        }
        catch (LibbpfException exception)
        {
            // The maps are read again, and everything that is wanted is compared with them, at the next change or sweep.
            Statistics = Statistics with { Failures = Statistics.Failures + 1 };
            LogFailed(exception);
        }
    }

    [LoggerMessage(LogLevel.Warning, "rejected {Resource}: {Error}; its last good version stays")]
    private partial void LogRejected(string resource, string error);

    [LoggerMessage(LogLevel.Information, "enrolled {Pod}, network namespace {Cookie}, {Addresses}")]
    private partial void LogEnrolled(string? pod, ulong cookie, string addresses);

    [LoggerMessage(LogLevel.Information, "un-enrolled {Pod}, network namespace {Cookie}")]
    private partial void LogUnenrolled(string? pod, ulong cookie);

    [LoggerMessage(LogLevel.Information, "un-enrolled {Pod}: its network namespace {Cookie} has ended")]
    private partial void LogVanished(string? pod, ulong cookie);

    [LoggerMessage(LogLevel.Debug, "maps: {Writes} written, {Deletes} deleted; compiled in {CompileMs:F1} ms, written in {WriteMs:F1} ms")]
    private partial void LogCommitted(int writes, int deletes, double compileMs, double writeMs);

    [LoggerMessage(LogLevel.Error, "map {Map} is full ({Capacity}): {Missing} entries found no room; what needs them is refused or stays as it was")]
    private partial void LogFull(string map, int capacity, int missing);

    [LoggerMessage(LogLevel.Error, "the maps could not be written; trying again")]
    private partial void LogFailed(Exception exception);
}
