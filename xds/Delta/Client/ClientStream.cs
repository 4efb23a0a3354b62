using System.Collections.Concurrent;
using Envoy.Service.Discovery.V3;
using Google.Rpc;
using Microsoft.Extensions.Logging;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Delta.Client;

/// <summary>One stream of a client, from its first request to its end.</summary>
internal sealed class ClientStream
{
    private const int LongestRejection = 16 * 1024;

    private readonly GrpcChannel _channel;
    private readonly DeltaAdsClientOptions _options;
    private readonly Func<ResourceSubscription[]> _subscriptions;
    private readonly Wakeup _wakeup;
    private readonly Action _answered;
    private readonly ILogger _logger;
    private readonly ConcurrentQueue<DeltaDiscoveryRequest> _acknowledgements = new();

    public ClientStream(
        GrpcChannel channel, DeltaAdsClientOptions options, Func<ResourceSubscription[]> subscriptions, Wakeup wakeup, Action answered, ILogger logger)
    {
        _channel = channel;
        _options = options;
        _subscriptions = subscriptions;
        _wakeup = wakeup;
        _answered = answered;
        _logger = logger;
    }

    public bool HasAnswered { get; private set; }

    /// <summary>Runs to the end of the stream.</summary>
    /// <exception cref="GrpcException">The stream ended with another status than OK.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        foreach (var subscription in _subscriptions())
        {
            subscription.StartStream();
        }

        _wakeup.Signal();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var call = _channel.Start(DiscoveryService.Delta, new GrpcCallOptions { Headers = _options.Headers }, ending.Token);
        var writing = WriteAsync(call, ending.Token);
        try
        {
            await foreach (var response in call.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                if (!HasAnswered)
                {
                    HasAnswered = true;
                    _answered();
                }

                await ApplyAsync(response, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ApplyAsync(DeltaDiscoveryResponse response, CancellationToken cancellation)
    {
        if (_subscriptions().FirstOrDefault(s => s.Handler.TypeUrl == response.TypeUrl) is not { } subscription)
        {
            DeltaLog.UnknownType(_logger, response.TypeUrl);
            return;
        }

        var acknowledgement = new DeltaDiscoveryRequest { TypeUrl = response.TypeUrl, ResponseNonce = response.Nonce };
        if (await subscription.ApplyAsync(response, cancellation).ConfigureAwait(false) is { } reason)
        {
            DeltaLog.Rejected(_logger, response.TypeUrl, reason);
            acknowledgement.ErrorDetail = new Status
            {
                Code = (int)GrpcStatusCode.InvalidArgument,
                Message = reason.Length <= LongestRejection ? reason : reason[..LongestRejection],
            };
        }

        XdsMetrics.Updates.Add(
            1, new("type", ResourceTypes.ShortName(response.TypeUrl)), new("result", acknowledgement.ErrorDetail is null ? "accepted" : "rejected"));
        _acknowledgements.Enqueue(acknowledgement);
        _wakeup.Signal();
    }

    private async Task WriteAsync(GrpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> call, CancellationToken cancellation)
    {
        var first = true;
        while (true)
        {
            await _wakeup.WaitAsync(cancellation).ConfigureAwait(false);
            while (_acknowledgements.TryDequeue(out var acknowledgement))
            {
                await call.WriteAsync(acknowledgement).ConfigureAwait(false);
            }

            foreach (var subscription in _subscriptions())
            {
                if (subscription.TakeRequest() is not { } request)
                {
                    continue;
                }

                if (first)
                {
                    request.Node = _options.Node;
                    first = false;
                }

                await call.WriteAsync(request).ConfigureAwait(false);
            }
        }
    }
}
