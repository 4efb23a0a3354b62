using Microsoft.Extensions.Logging;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Delta.Client;

/// <summary>Keeps what its handlers hold equal to what a control plane serves, over one stream at a time, for as long as it runs.</summary>
public sealed class DeltaAdsClient : IDisposable
{
    private readonly Lock _gate = new();
    private readonly DeltaAdsClientOptions _options;
    private readonly ILogger _logger;
    private readonly GrpcChannel _channel;
    private readonly Wakeup _wakeup = new();
    private volatile ResourceSubscription[] _subscriptions = [];
    private long _streams;
    private bool _connected;
    private DateTimeOffset _since = DateTimeOffset.UtcNow;
    private GrpcStatus? _lastFailure;

    public DeltaAdsClient(DeltaAdsClientOptions options, ILogger<DeltaAdsClient> logger)
    {
        _options = options;
        _logger = logger;
        _channel = new GrpcChannel(options.Address, options.Channel);
    }

    public ClientStatus Status
    {
        get
        {
            lock (_gate)
            {
                return new ClientStatus(_connected, _since, _streams, _lastFailure, [.. _subscriptions.Select(subscription => subscription.Status())]);
            }
        }
    }

    /// <summary>Adds a type. Types are asked for in the order in which they were added.</summary>
    /// <param name="names">What to ask for first; "*" is all, nothing waits for <see cref="ResourceSubscription.Add"/>.</param>
    /// <exception cref="ArgumentException">The type has been added before.</exception>
    public ResourceSubscription Subscribe(IResourceHandler handler, params IEnumerable<string> names)
    {
        var subscription = new ResourceSubscription(handler, _wakeup.Signal);
        lock (_gate)
        {
            if (_subscriptions.Any(other => other.Handler.TypeUrl == handler.TypeUrl))
            {
                throw new ArgumentException($"{handler.TypeUrl} has a handler already", nameof(handler));
            }

            _subscriptions = [.. _subscriptions, subscription];
        }

        subscription.Add(names);
        return subscription;
    }

    /// <summary>Adds a type of which everything is wanted.</summary>
    public ResourceSubscription SubscribeAll(IResourceHandler handler) => Subscribe(handler, DiscoveryService.Wildcard);

    /// <summary>Runs until cancelled: connects, applies, and connects again.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var delay = new ReconnectDelay(_options.ShortestDelay, _options.LongestDelay, Random.Shared);
        while (!cancellation.IsCancellationRequested)
        {
            var healthy = await RunStreamAsync(cancellation).ConfigureAwait(false);
            if (healthy)
            {
                delay.Reset();
            }

            try
            {
                await Task.Delay(delay.Next(), cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    public void Dispose() => _channel.Dispose();

    private async Task<bool> RunStreamAsync(CancellationToken cancellation)
    {
        var started = TimeProvider.System.GetTimestamp();
        var stream = new ClientStream(_channel, _options, () => _subscriptions, _wakeup, () => SetConnected(null), _logger);
        lock (_gate)
        {
            _streams++;
        }

        try
        {
            await stream.RunAsync(cancellation).ConfigureAwait(false);
            SetConnected(new GrpcStatus(GrpcStatusCode.Ok, "the server ended the stream"));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            SetConnected(new GrpcStatus(GrpcStatusCode.Cancelled, "the client has stopped"));
        }
        catch (GrpcException e)
        {
            SetConnected(e.Status);
            if (!cancellation.IsCancellationRequested)
            {
                DeltaLog.StreamEnded(_logger, _options.Address, e.Status.Code, e.Status.Detail);
            }
        }

        return stream.HasAnswered && TimeProvider.System.GetElapsedTime(started) >= _options.HealthyAfter;
    }

    /// <param name="failure">Null when the stream has answered for the first time.</param>
    private void SetConnected(GrpcStatus? failure)
    {
        bool changed;
        lock (_gate)
        {
            changed = _connected != failure is null;
            _connected = failure is null;
            _lastFailure = failure ?? _lastFailure;
            _since = changed ? DateTimeOffset.UtcNow : _since;
        }

        if (changed)
        {
            XdsMetrics.Connected.Add(failure is null ? 1 : -1);
        }

        if (failure is null)
        {
            DeltaLog.Connected(_logger, _options.Address);
        }
    }
}
