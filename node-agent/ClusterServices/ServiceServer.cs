using System.Diagnostics.Metrics;
using Waypoint.NodeAgent.Reconciliation;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.ClusterServices;

/// <summary>Brings what the inventory has to the reconciler, and says what of it is not served.</summary>
internal sealed partial class ServiceServer : IDisposable
{
    private readonly ServiceInventory _inventory;
    private readonly Reconciler _reconciler;
    private readonly ILogger<ServiceServer> _logger;
    private readonly Meter _meter = new("Waypoint.NodeAgent.ClusterServices");
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ServiceTranslation> _unsupported = [];

    public ServiceServer(ServiceInventory inventory, Reconciler reconciler, ILogger<ServiceServer> logger)
    {
        _inventory = inventory;
        _reconciler = reconciler;
        _logger = logger;
        _meter.CreateObservableGauge(
            "waypoint_unsupported_service_features", Measure, description: "Services that ask for what is not served in kube-proxy's place, by feature.");
    }

    public async Task RunAsync(CancellationToken stop)
    {
        LogStarted();
        while (true)
        {
            if (_inventory.TakeChanges() is { } changes)
            {
                Report(changes);
                _reconciler.ApplyCluster(
                    changes.Values.Select(change => change.Service).OfType<ClusterService>(),
                    changes.Where(change => change.Value.Service is null).Select(change => change.Key));
            }

            await _inventory.Changed.WaitAsync(stop).ConfigureAwait(false);
        }
    }

    public void Dispose() => _meter.Dispose();

    private void Report(IReadOnlyDictionary<string, ServiceTranslation> changes)
    {
        lock (_gate)
        {
            foreach ((string key, ServiceTranslation translation) in changes)
            {
                IEnumerable<UnsupportedFeature> before = _unsupported.TryGetValue(key, out ServiceTranslation? known) ? known.Unsupported : [];
                foreach (UnsupportedFeature feature in translation.Unsupported.Except(before))
                {
                    LogUnsupported(key, feature.Feature, feature.Effect);
                }

                if (translation.Unsupported.IsEmpty)
                {
                    _unsupported.Remove(key);
                }
                else
                {
                    _unsupported[key] = translation;
                }
            }
        }
    }

    private IEnumerable<Measurement<int>> Measure()
    {
        lock (_gate)
        {
            return [.. _unsupported.Values
                .SelectMany(translation => translation.Unsupported)
                .CountBy(feature => feature.Feature)
                .Select(feature => new Measurement<int>(feature.Value, KeyValuePair.Create("feature", (object?)feature.Key)))];
        }
    }

    [LoggerMessage(LogLevel.Information,
        "in kube-proxy's place: TCP to cluster addresses is served to every process of the node. UDP is not (so no DNS over UDP at a cluster address), "
        + "nor are node ports, external addresses and load balancers' addresses")]
    private partial void LogStarted();

    [LoggerMessage(LogLevel.Warning, "service {Service}: {Feature} is not supported: {Effect}")]
    private partial void LogUnsupported(string service, string feature, string effect);
}
