using System.Net;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Resilience;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry;
using Yarp.ReverseProxy.Forwarder;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;

namespace Waypoint.Proxy.Forwarding;

/// <summary>Sends a request to one of the backends of its route, again to another where policy and budget say so, and answers itself when none did.</summary>
internal sealed class BackendForwarder(IHttpForwarder forwarder, UpstreamClients clients, Mirroring mirroring)
{
    // YARP's own timeout counts silence in the middle of a stream; ours are RequestClock's.
    private static readonly ForwarderRequestConfig Http1 = new()
    {
        ActivityTimeout = Timeout.InfiniteTimeSpan,
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private static readonly ForwarderRequestConfig Http2 = Http1 with { Version = HttpVersion.Version20 };

    /// <param name="exchange">Routed.</param>
    /// <param name="action">The route's.</param>
    /// <param name="target">The request target to send, in origin form.</param>
    public Task ForwardAsync(Exchange exchange, ForwardAction action, string target)
    {
        var share = action.Clusters.Pick(Random.Shared);
        if (share?.Cluster.Current is not { } cluster)
        {
            // Gateway API: no backend at all is a 500.
            var status = share is null ? StatusCodes.Status500InternalServerError : action.MissingClusterStatus;
            return LocalReply.SendAsync(exchange, status, "", ResponseFlags.NoClusterFound, "cluster_not_found");
        }

        exchange.Slot = share.Cluster;
        exchange.Cluster = cluster;
        exchange.Hash = cluster.Balancing.Hashes ? RequestHash.Of(action.HashPolicies, exchange) : null;
        if (!share.Cluster.Load.TryStartRequest(cluster.CircuitBreakers))
        {
            return AnswerOverflowAsync(exchange);
        }

        if (share.HostRewrite is { } host)
        {
            HostRewriting.Apply(exchange, action, host, isFirst: action.HostRewrite is null && action.HostRewriteHeader is null);
        }

        share.RequestHeaders.ApplyTo(exchange.Context.Request.Headers, exchange);
        exchange.Route!.RequestHeaders.ApplyTo(exchange.Context.Request.Headers, exchange);
        return ForwardAsync(exchange, action, share, target);
    }

    private static Task AnswerOverflowAsync(Exchange exchange)
    {
        var failure = new UpstreamFailure(UpstreamFailureKind.Overflow);
        exchange.Context.Response.Clear();
        exchange.Context.Response.Headers[EnvoyHeaders.Overloaded] = "true";
        exchange.Flags |= failure.Flag;
        exchange.Details = failure.Details(responseStarted: false);
        return LocalReply.SendAsync(exchange, failure.Status, System.Text.Encoding.ASCII.GetBytes(failure.Body(retried: false)));
    }

    private async Task ForwardAsync(Exchange exchange, ForwardAction action, WeightedCluster share, string target)
    {
        var cluster = exchange.Cluster!;
        exchange.Timeout = TimeoutOf(exchange, action, out var isClientDeadline);
        var copies = Mirroring.Choose(action.Mirrors, exchange);
        var upstream = new UpstreamRequest(exchange, target, copies.Bodies)
        {
            Clock = RequestClock.Create(exchange.Timeout, action.Retry?.PerTryTimeout ?? TimeSpan.Zero, action.IdleTimeout ?? exchange.Chain!.StreamIdleTimeout),
            Retries = action.Retry is { Retries: > 0 } policy ? new RetryState(policy, share.Cluster.Load, cluster.CircuitBreakers) : null,
            ShareResponseHeaders = share.ResponseHeaders,
        };
        try
        {
            if (upstream.Retries is not null)
            {
                upstream.Body?.KeepForReplay();
            }

            mirroring.Send(copies, exchange, target);
            if (await TryUntilAnsweredAsync(exchange, upstream).ConfigureAwait(false) is { } failure)
            {
                var grpcStatus = failure.Kind == UpstreamFailureKind.Timeout && isClientDeadline ? GrpcStatus.DeadlineExceeded : (GrpcStatus?)null;
                exchange.TransportFailure = failure.TransportReason;
                if (failure.Kind == UpstreamFailureKind.Overflow)
                {
                    await AnswerOverflowAsync(exchange).ConfigureAwait(false);
                    return;
                }

                await LocalReply.SendAsync(
                    exchange,
                    failure.Status,
                    failure.Body(retried: exchange.Tries > 1),
                    failure.Flag,
                    failure.Details(responseStarted: false),
                    grpcStatus).ConfigureAwait(false);
            }
        }
        finally
        {
            copies.Abandon();
            exchange.BytesReceived += upstream.Body?.Received ?? 0;
            upstream.Dispose();
            share.Cluster.Load.EndRequest();
        }
    }

    /// <summary>Returns the failure to tell the client of; null when it has been answered or is gone.</summary>
    private async ValueTask<UpstreamFailure?> TryUntilAnsweredAsync(Exchange exchange, UpstreamRequest upstream)
    {
        var cluster = exchange.Cluster!;
        var invoker = upstream.CreateInvoker(clients.For(cluster));
        var config = UsesHttp2(cluster, exchange) ? Http2 : Http1;
        Endpoint[]? tried = null;
        while (true)
        {
            if (Pick(exchange, upstream, tried) is not { } endpoint)
            {
                await LocalReply.SendAsync(
                    exchange,
                    StatusCodes.Status503ServiceUnavailable,
                    "no healthy upstream",
                    ResponseFlags.NoHealthyUpstream,
                    "no_healthy_upstream").ConfigureAwait(false);
                return null;
            }

            exchange.Endpoint = endpoint;
            exchange.Tries++;
            if (exchange.Route!.Action is ForwardAction { HostFollowsEndpoint: true } action && endpoint.Hostname.Length > 0)
            {
                HostRewriting.Apply(exchange, action, endpoint.Hostname, isFirst: exchange.Tries == 1);
            }

            var failure = await TryAsync(exchange, upstream, endpoint, invoker, config).ConfigureAwait(false);
            if (failure is null && !upstream.RetryWanted)
            {
                return null;
            }

            if (failure is { } failed && !WantsRetry(exchange, upstream, failed))
            {
                return failed;
            }

            tried ??= new Endpoint[upstream.Retries!.Policy.Retries];
            tried[exchange.Tries - 1] = endpoint;
            if (await WaitAsync(exchange, upstream).ConfigureAwait(false) is { } late)
            {
                return late;
            }
        }
    }

    private static Endpoint? Pick(Exchange exchange, UpstreamRequest upstream, Endpoint[]? tried)
    {
        var policy = upstream.Retries?.Policy;
        var avoid = policy is { AvoidPreviousHosts: true } && tried is not null;
        return exchange.Cluster!.Pick(new PickContext
        {
            Hash = exchange.Hash,
            Previous = avoid ? tried.AsSpan(0, exchange.Tries) : default,
            Attempts = policy?.HostSelectionAttempts ?? 1,
            OriginalDestination = exchange.Destination.Original,
        });
    }

    /// <summary>One try. Returns null when there was an answer, whether it went to the client or another try is to follow, or nobody to answer.</summary>
    private async ValueTask<UpstreamFailure?> TryAsync(
        Exchange exchange,
        UpstreamRequest upstream,
        Endpoint endpoint,
        HttpMessageInvoker invoker,
        ForwarderRequestConfig config)
    {
        var context = exchange.Context;
        upstream.StartTry();
        var token = upstream.Clock?.StartTry() ?? CancellationToken.None;
        var connections = ReferenceEquals(config, Http1) && exchange.Cluster!.CircuitBreakers.MaxConnections != uint.MaxValue ? exchange.Slot!.Load.Connections : null;
        try
        {
            if (connections is not null
                && !await connections.EnterAsync(exchange.Cluster!.CircuitBreakers, token, context.RequestAborted).ConfigureAwait(false))
            {
                return new UpstreamFailure(UpstreamFailureKind.Overflow);
            }
        }
        catch (OperationCanceledException)
        {
            return upstream.Clock?.Expired is { } late ? new UpstreamFailure(late) : NoteClientGone(exchange);
        }

        endpoint.State.RequestStarted();
        var origin = UpstreamOrigin.Of(exchange.Cluster!, endpoint, context.Request.Headers.Host.ToString(), ReferenceEquals(config, Http2));
        ForwarderError error;
        try
        {
            error = await forwarder.SendAsync(context, origin, invoker, config, upstream, token).ConfigureAwait(false);
            if (upstream.Body is { } body)
            {
                await body.StopAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            endpoint.State.RequestEnded();
            connections?.Leave();
        }

        if (error == ForwarderError.None)
        {
            return null;
        }

        var exception = context.Features.Get<IForwarderErrorFeature>()?.Exception;
        context.Features.Set<IForwarderErrorFeature>(null);
        // After a backend's broken answer YARP aborts the request itself, which then looks as if the client had left.
        if (context.RequestAborted.IsCancellationRequested && error is not ForwarderError.ResponseBodyDestination)
        {
            return NoteClientGone(exchange);
        }

        var expired = upstream.Clock?.Expired;
        if (upstream.Answered)
        {
            NoteBrokenAnswer(exchange, expired, error, exception);
            return null;
        }

        if (upstream.Body is { ClientFailure: not null } && expired is null)
        {
            await LocalReply.SendAsync(
                exchange,
                StatusCodes.Status400BadRequest,
                "Bad Request",
                ResponseFlags.DownstreamProtocolError,
                "http1.codec_error",
                close: true).ConfigureAwait(false);
            return null;
        }

        UpstreamFailure failure;
        if (expired is { } limit)
        {
            failure = new UpstreamFailure(limit);
        }
        else if (error == ForwarderError.ResponseHeaders)
        {
            // A head that cannot be passed on: two lengths, say, or control characters.
            failure = new UpstreamFailure(UpstreamFailureKind.Protocol);
        }
        else
        {
            failure = UpstreamFailure.BeforeResponse(exception ?? new HttpRequestException());
        }

        if (failure.Health is { } health)
        {
            exchange.Cluster!.ReportFailure(endpoint, health);
        }

        return failure;
    }

    private static UpstreamFailure? NoteClientGone(Exchange exchange)
    {
        exchange.Flags |= ResponseFlags.DownstreamConnectionTermination;
        exchange.Details = "downstream_remote_disconnect";
        return null;
    }

    private static void NoteBrokenAnswer(Exchange exchange, UpstreamFailureKind? expired, ForwarderError error, Exception? exception)
    {
        if (error is ForwarderError.ResponseBodyClient or ForwarderError.UpgradeResponseClient or ForwarderError.UpgradeRequestClient)
        {
            exchange.Flags |= ResponseFlags.DownstreamConnectionTermination;
            exchange.Details = "downstream_remote_disconnect";
            return;
        }

        var failure = expired is { } limit ? new UpstreamFailure(limit) : UpstreamFailure.AfterResponse(exception ?? new HttpRequestException());
        exchange.Flags |= failure.Flag;
        exchange.Details = failure.Details(responseStarted: true);
        if (failure.Health is { } health)
        {
            exchange.Cluster!.ReportFailure(exchange.Endpoint!, health);
        }
    }

    private static bool WantsRetry(Exchange exchange, UpstreamRequest upstream, UpstreamFailure failure)
    {
        if (upstream.Retries is null)
        {
            return false;
        }

        switch (upstream.Retries.Judge(failure, upstream.CanReplay))
        {
            case RetryVerdict.Retry:
                return true;
            case RetryVerdict.LimitExceeded:
                exchange.Flags |= ResponseFlags.UpstreamRetryLimitExceeded;
                return false;
            case RetryVerdict.Overflow:
                exchange.Flags |= ResponseFlags.UpstreamOverflow;
                return false;
            default:
                return false;
        }
    }

    /// <summary>Waits the back-off. Returns the failure when the limit for the whole request comes first.</summary>
    private static async ValueTask<UpstreamFailure?> WaitAsync(Exchange exchange, UpstreamRequest upstream)
    {
        var context = exchange.Context;
        context.Response.Clear();
        var wanted = upstream.Retries!.BackOff();
        var wait = upstream.Clock?.Shorten(wanted) ?? wanted;
        try
        {
            await Task.Delay(wait, context.RequestAborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The client is gone; the next try notices at once and says so in one place.
            return null;
        }

        return wait < wanted ? new UpstreamFailure(UpstreamFailureKind.Timeout) : null;
    }

    private static bool UsesHttp2(Cluster cluster, Exchange exchange) => cluster.Protocol switch
    {
        UpstreamProtocol.Http1 => false,
        UpstreamProtocol.Http2 => true,
        _ => exchange.IsHttp2,
    };

    private static TimeSpan TimeoutOf(Exchange exchange, ForwardAction action, out bool isClientDeadline)
    {
        isClientDeadline = false;
        if (!exchange.IsGrpc || action.MaxGrpcTimeout is not { } limit)
        {
            return action.Timeout;
        }

        var asked = Grpc.ParseTimeout(exchange.Context.Request.Headers.GrpcTimeout) ?? TimeSpan.Zero;
        isClientDeadline = asked > TimeSpan.Zero && (limit == TimeSpan.Zero || asked <= limit);
        return isClientDeadline ? asked : limit;
    }
}
