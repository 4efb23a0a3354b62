using System.Diagnostics.Metrics;
using Envoy.Config.Listener.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Xds.Translation;
using Waypoint.Xds.Delta.Client;
using Waypoint.Xds.Identity;

namespace Waypoint.Proxy.Xds;

/// <summary>
/// Keeps the mesh equal to what the control plane says, over one stream: all clusters, listeners and workloads, and by name the
/// endpoints and routes that those ask for.
/// </summary>
internal sealed partial class MeshSubscription : BackgroundService
{
    public const string MeterName = "Waypoint.Configuration";

    private readonly MeshModel _model;
    private readonly WorkloadIdentity? _identity;
    private readonly DeltaAdsClient _client;
    private readonly ResourceSubscription _clusters;
    private readonly ResourceSubscription _endpoints;
    private readonly ResourceSubscription _secrets;
    private readonly ResourceSubscription _listeners;
    private readonly ResourceSubscription _extensions;
    private readonly ResourceSubscription _routes;
    private readonly ILogger _logger;
    private readonly Meter _meter = new(MeterName);
    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);

    public MeshSubscription(MeshModel model, DeltaAdsClientOptions options, ILoggerFactory loggers, WorkloadIdentity? identity = null)
    {
        _model = model;
        _identity = identity;
        _logger = loggers.CreateLogger<MeshSubscription>();
        _client = new DeltaAdsClient(options, loggers.CreateLogger<DeltaAdsClient>());

        // Envoy's order: what refers to a thing is asked for after the thing.
        _clusters = _client.SubscribeAll(new Handler(ResourceTypes.Cluster, this));
        _endpoints = _client.Subscribe(new Handler(ResourceTypes.Endpoints, this));
        _secrets = _client.Subscribe(new Handler(ResourceTypes.Secret, this));
        _listeners = _client.SubscribeAll(new Handler(ResourceTypes.Listener, this));
        _extensions = _client.Subscribe(new Handler(ResourceTypes.Extension, this));
        _routes = _client.Subscribe(new Handler(ResourceTypes.Routes, this));
        _client.SubscribeAll(new Handler(ResourceTypes.Workload, this));
        _meter.CreateObservableGauge(
            "envoy_cluster_upstream_cx_active",
            () => new Measurement<int>(_client.Status.Connected ? 1 : 0, KeyValuePair.Create("cluster_name", (object?)"xds-grpc")),
            description: "Connections to the control plane, by the name under which Istio's dashboards ask for them.");
        _meter.CreateObservableGauge(
            "waypoint_unsupported_features",
            Measure,
            description: "Places in the configuration that ask for what this version does not do.");
    }

    /// <summary>True once the first clusters and listeners are in force: the waypoint can take traffic.</summary>
    public bool IsConfigured =>
        _clusters.Synchronised.IsCompleted && _listeners.Synchronised.IsCompleted && !_model.IsWaiting;

    public ClientStatus Status => _client.Status;

    public override void Dispose()
    {
        _client.Dispose();
        _meter.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _client.RunAsync(stoppingToken);

    private ApplyResult Apply(string type, ResourceUpdate update)
    {
        var rejections = _model.Apply(type, update.Changed.Select(resource => Whole(type, resource)), update.Removed);
        switch (type)
        {
            case ResourceTypes.Cluster:
                _endpoints.Set(_model.WantedEndpoints.ToHashSet(StringComparer.Ordinal));
                _secrets.Set(_model.WantedSecrets.ToHashSet(StringComparer.Ordinal));
                ReportUnsupported();
                break;
            case ResourceTypes.Listener:
                rejections = [.. rejections, .. SetTrustDomains(update)];
                _extensions.Set(_model.WantedExtensions.ToHashSet(StringComparer.Ordinal));
                _routes.Set(_model.WantedRoutes.ToHashSet(StringComparer.Ordinal));
                ReportUnsupported();
                break;
        }

        return rejections.Count == 0 ? ApplyResult.Accepted : new ApplyResult(rejections);
    }

    /// <summary>Takes the trust domain's names from the listener that has them.</summary>
    private IEnumerable<Rejection> SetTrustDomains(ResourceUpdate update)
    {
        foreach (var resource in update.Changed.Where(resource => resource.Name == TrustDomainTranslator.Listener))
        {
            string? error = null;
            try
            {
                _identity?.SetAliases(TrustDomainTranslator.Translate(Listener.Parser.ParseFrom(resource.Body)));
            }
            catch (Exception e) when (e is ResourceException or InvalidProtocolBufferException)
            {
                error = e.Message;
            }

            if (error is not null)
            {
                yield return new Rejection(resource.Name, error);
            }
        }
    }

    private static Resource Whole(string type, ReceivedResource resource) => new()
    {
        Name = resource.Name,
        Version = resource.Version,
        Resource_ = new Any { TypeUrl = type, Value = resource.Body },
    };

    private IEnumerable<Measurement<int>> Measure() =>
        _model.Unsupported
            .CountBy(unsupported => unsupported.Feature)
            .Select(feature => new Measurement<int>(feature.Value, KeyValuePair.Create("feature", (object?)feature.Key)));

    // Each feature once: a service more that asks for it is no news.
    private void ReportUnsupported()
    {
        foreach (var unsupported in _model.Unsupported)
        {
            if (_reported.Add(unsupported.Feature))
            {
                LogUnsupported(unsupported.Feature, unsupported.Where);
            }
        }
    }

    [LoggerMessage(30, LogLevel.Warning, "Not supported: {Feature}, first asked for by {Where}")]
    private partial void LogUnsupported(string feature, string where);

    private sealed class Handler(string type, MeshSubscription subscription) : IResourceHandler
    {
        public string TypeUrl => type;

        public ValueTask<ApplyResult> ApplyAsync(ResourceUpdate update, CancellationToken cancellation) =>
            ValueTask.FromResult(subscription.Apply(type, update));
    }
}
