using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Service.Discovery.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.LoadBalancing.Dns;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Tls;
using Waypoint.Proxy.Xds.Translation;
using Waypoint.Proxy.Xds.Translation.Filters;
using Waypoint.Xds.Delta.Client;
using Wire = Envoy.Config.Cluster.V3;

namespace Waypoint.Proxy.Xds;

/// <summary>
/// Turns what the control plane sends into the mesh that connections see. Each resource is taken or refused by itself: of a
/// refused one the last good version stays in force. Calls come one at a time; what is read for dumps may be read at any time.
/// </summary>
internal sealed class MeshModel : IDisposable
{
    // How long new routes wait for the endpoints of clusters that they are the first to use. The two travel as separate
    // resources, and to publish the routes at once would answer 503 until the endpoints are there. As long as Envoy waits by
    // default (ConfigSource.initial_fetch_timeout); istiod asks for no end of it ("0s"), but then one name that is never
    // answered would hold back every change to come.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly MeshState _mesh;
    private readonly ClusterTable _clusters;
    private readonly ListenerTable _listeners;
    private readonly SecretStore _secrets = new();
    private readonly ExtensionStore _extensions;
    private readonly ReceivedResources _received = new();
    private readonly Lock _gate = new();
    private readonly ITimer _patience;
    private HashSet<string> _wantedExtensions = [];
    private DestinationTable? _waiting;

    public MeshModel(MeshState mesh, EndpointStates states, FilterCatalogue filters, IHostResolver resolver)
    {
        _mesh = mesh;
        _clusters = new ClusterTable(states, _secrets, resolver, Exclusively);
        _extensions = filters.Extensions;
        _listeners = new ListenerTable(_clusters.Slot, filters, mesh.Workloads);
        _patience = states.Clock.Time.CreateTimer(_ => PublishWaiting(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What EDS is to be asked for by name.</summary>
    public IReadOnlyCollection<string> WantedEndpoints
    {
        get
        {
            lock (_gate)
            {
                return [.. _clusters.WantedEndpoints];
            }
        }
    }

    /// <summary>What SDS is to be asked for by name.</summary>
    public IReadOnlyCollection<string> WantedSecrets
    {
        get
        {
            lock (_gate)
            {
                return [.. _clusters.WantedSecrets];
            }
        }
    }

    /// <summary>What RDS is to be asked for by name.</summary>
    public IReadOnlyCollection<string> WantedRoutes
    {
        get
        {
            lock (_gate)
            {
                return [.. _listeners.WantedRoutes];
            }
        }
    }

    /// <summary>What ECDS is to be asked for by name.</summary>
    public IReadOnlyCollection<string> WantedExtensions
    {
        get
        {
            lock (_gate)
            {
                return [.. _listeners.WantedExtensions];
            }
        }
    }

    /// <summary>True while what was sent is not in force yet, because endpoints or routes that it needs have not come.</summary>
    public bool IsWaiting => Volatile.Read(ref _waiting) is not null;

    /// <summary>The resources in force as they were received, for dumps.</summary>
    public IReadOnlyList<Resource> Received(string type) => _received.OfType(type);

    /// <summary>What the configuration asks for and this version does not do.</summary>
    public IReadOnlyList<UnsupportedFeature> Unsupported
    {
        get
        {
            lock (_gate)
            {
                return [.. _listeners.Unsupported.Concat(_clusters.Unsupported).Distinct()];
            }
        }
    }

    /// <summary>The clusters in force, for dumps and gauges.</summary>
    public IReadOnlyList<Cluster> Clusters
    {
        get
        {
            lock (_gate)
            {
                return [.. _clusters.Clusters];
            }
        }
    }

    /// <summary>Takes a response of the control plane.</summary>
    /// <returns>The resources that were refused, and why.</returns>
    public IReadOnlyList<Rejection> Apply(string type, IEnumerable<Resource> resources, IEnumerable<string> removed)
    {
        lock (_gate)
        {
            var rejections = new List<Rejection>();
            DestinationTable? destinations = null;
            foreach (var resource in resources)
            {
                // For one changed endpoint istiod sends a waypoint the endpoints of all its services, for a change of anything else all clusters and the listener.
                if (_received.Holds(type, resource))
                {
                    continue;
                }

                try
                {
                    destinations = Apply(type, resource) ?? destinations;
                    if (type is not (ResourceTypes.Secret or ResourceTypes.Extension))
                    {
                        // A dump is for everybody's eyes, and extensions come with the secrets to fetch their images.
                        _received.Store(type, resource);
                    }
                }
                catch (ResourceException e)
                {
                    rejections.Add(new Rejection(resource.Name, e.Message));
                }
                catch (Exception e) when (e is ArgumentException or FormatException or InvalidOperationException or ArithmeticException or NotSupportedException)
                {
                    // A fault that the translation did not foresee is this resource's too: the others of the response stand.
                    rejections.Add(new Rejection(resource.Name, $"{e.GetType().Name}: {e.Message}"));
                }
            }

            foreach (var name in removed)
            {
                destinations = Remove(type, name) ?? destinations;
                _received.Remove(type, name);
            }

            switch (type)
            {
                case ResourceTypes.Cluster or ResourceTypes.Endpoints:
                    _clusters.ForgetUnwantedEndpoints();
                    _received.RemoveUnless(ResourceTypes.Endpoints, _clusters.WantsEndpoints);
                    break;
                case ResourceTypes.Listener or ResourceTypes.Routes:
                    _received.RemoveUnless(ResourceTypes.Routes, _listeners.WantedRoutes.Contains);
                    ForgetExtensionsOfBefore();
                    break;
            }

            Publish(destinations);
            return rejections;
        }
    }

    public void Dispose()
    {
        _patience.Dispose();
        lock (_gate)
        {
            _clusters.Dispose();
        }
    }

    // Endpoints that came late may be what routes wait for.
    private void Exclusively(Action change)
    {
        lock (_gate)
        {
            change();
            Publish(null);
        }
    }

    private DestinationTable? Apply(string type, Resource resource)
    {
        var scope = new TranslationScope($"resource '{resource.Name}'");
        var config = resource.Resource_ ?? throw scope.Invalid("resource", "missing");
        switch (type)
        {
            case ResourceTypes.Listener:
                return _listeners.Apply(config.Open<Listener>(scope, "resource"));
            case ResourceTypes.Routes:
                return _listeners.Apply(config.Open<RouteConfiguration>(scope, "resource"));
            case ResourceTypes.Cluster:
                _clusters.Apply(config.Open<Wire.Cluster>(scope, "resource"));
                return null;
            case ResourceTypes.Endpoints:
                _clusters.Apply(config.Open<ClusterLoadAssignment>(scope, "resource"));
                return null;
            case ResourceTypes.Secret:
                _secrets.Set(resource.Name, SecretTranslator.Translate(config.Open<Envoy.Extensions.TransportSockets.Tls.V3.Secret>(scope, "resource"), scope));
                return null;
            case ResourceTypes.Extension:
                _extensions.Set(resource.Name, ExtensionTranslator.FailsOpen(config.Open<Envoy.Config.Core.V3.TypedExtensionConfig>(scope, "resource"), scope));
                return null;
            case ResourceTypes.Workload:
                var workload = WorkloadTranslator.Translate(config.Open<Istio.Workload.Workload>(scope, "resource"), scope);
                _mesh.Workloads.Upsert(workload);
                return null;
            default:
                throw scope.Invalid("type", $"'{type}' was not asked for");
        }
    }

    private DestinationTable? Remove(string type, string name)
    {
        switch (type)
        {
            case ResourceTypes.Listener:
                return _listeners.Remove(name);
            case ResourceTypes.Routes:
                return _listeners.RemoveRoutes(name);
            case ResourceTypes.Cluster:
                _clusters.Remove(name);
                return null;
            case ResourceTypes.Endpoints:
                _clusters.RemoveEndpoints(name);
                return null;
            case ResourceTypes.Secret:
                _secrets.Remove(name);
                return null;
            case ResourceTypes.Extension:
                _extensions.Remove(name);
                return null;
            default:
                _mesh.Workloads.Remove(name);
                return null;
        }
    }

    // What is known of a name from an earlier time, when chains had it, may have changed unsaid. Not when they let go of it: requests that began before
    // still ask.
    private void ForgetExtensionsOfBefore()
    {
        var wanted = _listeners.WantedExtensions.ToHashSet(StringComparer.Ordinal);
        foreach (var name in wanted.Where(name => !_wantedExtensions.Contains(name)))
        {
            _extensions.Remove(name);
        }

        _wantedExtensions = wanted;
    }

    private IEnumerable<string> MissingExtensions => _listeners.WantedExtensions.Where(name => !_extensions.Knows(name));

    private void Publish(DestinationTable? changed)
    {
        if ((changed ?? _waiting) is not { } destinations)
        {
            return;
        }

        if (_listeners.IsWaitingForRoutes || MissingExtensions.Any() || _listeners.ReferencedClusters.Any(_clusters.IsWaitingForEndpoints))
        {
            if (_waiting is null)
            {
                _patience.Change(Patience, Timeout.InfiniteTimeSpan);
            }

            _waiting = destinations;
            return;
        }

        PublishNow(destinations);
    }

    private void PublishWaiting()
    {
        lock (_gate)
        {
            if (_waiting is { } destinations)
            {
                _clusters.StopWaiting();
                _listeners.StopWaiting();
                foreach (var name in MissingExtensions.ToArray())
                {
                    _extensions.Set(name, failsOpen: false);
                }

                PublishNow(destinations);
            }
        }
    }

    private void PublishNow(DestinationTable destinations)
    {
        _waiting = null;
        _patience.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _mesh.Publish(new MeshSnapshot(destinations));
    }
}
