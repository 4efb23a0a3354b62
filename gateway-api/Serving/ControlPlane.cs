using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Sources;
using Waypoint.GatewayApi.Translation;
using Waypoint.GatewayApi.Validation;
using Waypoint.Xds.Delta.Server;

namespace Waypoint.GatewayApi.Serving;

/// <summary>
/// The loop from a source to the served resources. One task takes one batch after the other; everything that others may look at
/// is read under its gate.
/// </summary>
internal sealed partial class ControlPlane : IDisposable
{
    private readonly IObjectSource _source;
    private readonly Translator _translator;
    private readonly ControlPlaneMetrics _metrics;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ControlPlane(IObjectSource source, MeshSettings mesh, ILoggerFactory loggers)
    {
        _source = source;
        _translator = new Translator(mesh);
        _logger = loggers.CreateLogger<ControlPlane>();
        _metrics = new ControlPlaneMetrics(this);
        Server = new DeltaAdsServer(Store, new NodeViews(this), loggers.CreateLogger<DeltaAdsServer>());
    }

    public ResourceStore Store { get; } = new();

    public DeltaAdsServer Server { get; }

    /// <summary>Completes when everything that the source had at the start is served; fails when the source does.</summary>
    public Task Ready => _ready.Task;

    public IReadOnlyList<Diagnostic> Diagnostics => _source.Diagnostics;

    public long ErrorCount => _source.Diagnostics.Count(diagnostic => diagnostic.Severity == Severity.Error);

    public long ObjectCount => Read(translator => translator.Inventory.Count);

    public TranslationCounts Counts => Read(translator => translator.Counts.Copy());

    public IReadOnlyList<RouteStatus> Routes => Read<IReadOnlyList<RouteStatus>>(translator => [.. translator.Routes]);

    /// <summary>Services that name a waypoint and are not behind it, with the reason.</summary>
    public IReadOnlyList<(NamespacedName Service, string Problem)> BindingProblems =>
        Read<IReadOnlyList<(NamespacedName, string)>>(translator =>
        [
            .. translator.Inventory.Services
                .Select(service => (service.Id, Problem: translator.Binding.Problem(service)))
                .Where(service => service.Problem is not null)
                .Select(service => (service.Id, service.Problem!)),
        ]);

    /// <summary>Takes batches in until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await foreach (ObjectBatch batch in _source.ReadAsync(cancellation).ConfigureAwait(false))
            {
                Take(batch);
                _ready.TrySetResult();
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            _ready.TrySetCanceled(cancellation);
        }
        catch (Exception exception)
        {
            _ready.TrySetException(exception);
            throw;
        }
    }

    /// <summary>The waypoint Gateway whose pod has one of these addresses.</summary>
    public NamespacedName? GatewayAt(IReadOnlyCollection<System.Net.IPAddress> addresses) => Read<NamespacedName?>(translator =>
    {
        foreach (Pod pod in translator.Inventory.All<Pod>(ObjectKind.Pod))
        {
            if (pod.Metadata.Label(WellKnown.GatewayName) is { } name && pod.Addresses.Any(addresses.Contains))
            {
                return new NamespacedName(pod.Namespace, name);
            }
        }

        return null;
    });

    public void Dispose() => _metrics.Dispose();

    private void Take(ObjectBatch batch)
    {
        ResourceBatch changes;
        lock (_gate)
        {
            changes = _translator.Apply(batch);
        }

        Store.Publish(changes);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(batch.Noticed);
        _metrics.BatchMilliseconds.Record(elapsed.TotalMilliseconds);
        _metrics.Batches.Add(1);
        LogTaken(_logger, batch.Upserts.Count, batch.Removals.Count, elapsed.TotalMilliseconds);
    }

    private T Read<T>(Func<Translator, T> read)
    {
        lock (_gate)
        {
            return read(_translator);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Upserts} objects set, {Removals} removed; served after {Milliseconds:F1} ms")]
    private static partial void LogTaken(ILogger logger, int upserts, int removals, double milliseconds);
}
