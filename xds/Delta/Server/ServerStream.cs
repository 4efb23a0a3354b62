using System.Globalization;
using System.Threading.Channels;
using Envoy.Service.Discovery.V3;
using Microsoft.Extensions.Logging;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Delta.Server;

/// <summary>One client's stream: a loop that takes its requests and sends what has become due.</summary>
internal sealed class ServerStream
{
    /// <summary>A client that sends without reading is made to wait by HTTP/2's flow control.</summary>
    private const int LongestQueue = 64;

    private readonly Lock _gate = new();
    private readonly ResourceStore _store;
    private readonly IResourceViews _views;
    private readonly GrpcServerCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> _call;
    private readonly ILogger _logger;
    private readonly Wakeup _wakeup = new();
    private readonly Channel<DeltaDiscoveryRequest> _requests = Channel.CreateBounded<DeltaDiscoveryRequest>(LongestQueue);
    private readonly PushOrder _order;
    private readonly Dictionary<string, Answers> _answers = new(StringComparer.Ordinal);
    private readonly DateTimeOffset _since = DateTimeOffset.UtcNow;
    private IResourceView? _view;
    private string _node = "";
    private long _nonce;

    public ServerStream(
        ResourceStore store, IResourceViews views, GrpcServerCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> call, ILogger logger)
    {
        _store = store;
        _views = views;
        _call = call;
        _logger = logger;
        _order = new PushOrder(store);
    }

    public async Task RunAsync()
    {
        // A client may wait for headers before it sends its first request.
        await _call.WriteHeadersAsync();
        var reading = ReadAsync();
        try
        {
            while (true)
            {
                while (_requests.Reader.TryRead(out var request))
                {
                    Take(request);
                }

                if (Next() is { } response)
                {
                    await _call.WriteAsync(response);
                }
                else if (_requests.Reader.Completion.IsCompleted)
                {
                    await _requests.Reader.Completion;
                    return;
                }
                else
                {
                    await _wakeup.WaitAsync(_call.Cancellation);
                }
            }
        }
        finally
        {
            foreach (var subscription in _order.Subscriptions)
            {
                subscription.Dispose();
            }

            if (_node.Length > 0)
            {
                DeltaLog.ClientGone(_logger, _node);
            }

            _requests.Writer.TryComplete();
            _call.StopReading();
            await reading;
        }
    }

    /// <summary>The stream's state; null before its first request.</summary>
    public ConnectedClient? Status()
    {
        lock (_gate)
        {
            return _view is null ? null : new ConnectedClient(_node, _call.Peer, _since, [.. _order.Subscriptions.Select(subscription =>
            {
                var answers = _answers[subscription.TypeUrl];
                return new ConnectedType(
                    subscription.TypeUrl, subscription.Wildcard, subscription.Names, subscription.AwaitedNonce is not null, answers.Accepted,
                    answers.Rejected, answers.Last, answers.LastRejection);
            })]);
        }
    }

    private async Task ReadAsync()
    {
        Exception? failure = null;
        try
        {
            while (await _call.ReadAsync() is { } request)
            {
                await _requests.Writer.WriteAsync(request, _call.Cancellation);
                _wakeup.Signal();
            }
        }
        catch (Exception e)
        {
            failure = e;
        }

        _requests.Writer.TryComplete(failure);
        _wakeup.Signal();
    }

    private void Take(DeltaDiscoveryRequest request)
    {
        lock (_gate)
        {
            _view ??= Open(request);
            if (_order.Find(request.TypeUrl) is not { } subscription)
            {
                subscription = new ServerSubscription(_store, _view.Find(request.TypeUrl), _wakeup, request);
                _order.Add(subscription);
                _answers.Add(request.TypeUrl, new Answers());
            }

            // A nonce of an earlier stream or an earlier response answers nothing; its names count all the same.
            if (request.ResponseNonce.Length > 0 && request.ResponseNonce == subscription.AwaitedNonce)
            {
                subscription.AwaitedNonce = null;
                TakeAnswer(request);
            }

            subscription.Change(request);
        }
    }

    private IResourceView Open(DeltaDiscoveryRequest first)
    {
        if (first.Node is not { Id.Length: > 0 } node)
        {
            throw new GrpcException(GrpcStatusCode.InvalidArgument, "the first request of a stream must carry a node with an id");
        }

        var view = _views.Open(node, _call.Peer);
        _node = node.Id;
        DeltaLog.ClientConnected(_logger, _node, _call.Peer.ToString());
        return view;
    }

    private void TakeAnswer(DeltaDiscoveryRequest request)
    {
        var answers = _answers[request.TypeUrl];
        answers.Last = DateTimeOffset.UtcNow;
        if (request.ErrorDetail is not { } error)
        {
            answers.Accepted++;
            return;
        }

        answers.Rejected++;
        answers.LastRejection = error.Message;
        XdsMetrics.Rejections.Add(1, new KeyValuePair<string, object?>("type", ResourceTypes.ShortName(request.TypeUrl)));
        DeltaLog.RejectedByClient(_logger, _node, request.TypeUrl, error.Message);
    }

    private DeltaDiscoveryResponse? Next()
    {
        lock (_gate)
        {
            if (_order.Subscriptions.Any(s => s.Abandoned))
            {
                throw new GrpcException(GrpcStatusCode.Unavailable, "the client is too far behind; it may begin anew");
            }

            if (_order.Next() is not var (subscription, response))
            {
                return null;
            }

            response.Nonce = (++_nonce).ToString(CultureInfo.InvariantCulture);
            response.SystemVersionInfo = subscription.Revision.ToString(CultureInfo.InvariantCulture);
            subscription.AwaitedNonce = response.Nonce;
            var type = new KeyValuePair<string, object?>("type", ResourceTypes.ShortName(response.TypeUrl));
            XdsMetrics.Pushes.Add(1, type);
            XdsMetrics.PushedResources.Add(response.Resources.Count, type);
            return response;
        }
    }

    private sealed class Answers
    {
        public long Accepted { get; set; }

        public long Rejected { get; set; }

        public DateTimeOffset? Last { get; set; }

        public string? LastRejection { get; set; }
    }
}
