using System.Net.Http;
using System.Net.Sockets;
using Waypoint.Proxy.Hbone.Outbound;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Telemetry;
using Waypoint.Proxy.Tls;

namespace Waypoint.Proxy.Forwarding;

/// <summary>What a try without an answer failed at, in the terms in which retries, answers and logs speak of it.</summary>
internal enum UpstreamFailureKind
{
    /// <summary>No connection.</summary>
    Connect,

    /// <summary>No connection within the cluster's connect timeout.</summary>
    ConnectTimeout,

    /// <summary>The connection ended before the answer.</summary>
    Terminated,

    /// <summary>HTTP/2: the stream was refused before anything was done with it.</summary>
    RefusedStream,

    /// <summary>HTTP/2: the stream was reset.</summary>
    RemoteReset,

    /// <summary>The answer was not HTTP.</summary>
    Protocol,

    /// <summary>The try took longer than the policy gives it.</summary>
    PerTryTimeout,

    /// <summary>The request took longer than the route gives it.</summary>
    Timeout,

    /// <summary>Nothing went by for longer than the chain allows.</summary>
    IdleTimeout,

    /// <summary>The cluster has as many requests as its circuit breaker allows.</summary>
    Overflow,
}

/// <summary>A <see cref="UpstreamFailureKind"/> and, for connections, the system's reason in Envoy's form (<c>delayed_connect_error:_Connection_refused</c>).</summary>
internal readonly record struct UpstreamFailure(UpstreamFailureKind Kind, string? TransportReason = null)
{
    private const int RefusedStream = 7;

    public ResponseFlags Flag => Kind switch
    {
        UpstreamFailureKind.Connect or UpstreamFailureKind.ConnectTimeout => ResponseFlags.UpstreamConnectionFailure,
        UpstreamFailureKind.Terminated => ResponseFlags.UpstreamConnectionTermination,
        UpstreamFailureKind.RefusedStream or UpstreamFailureKind.RemoteReset => ResponseFlags.UpstreamRemoteReset,
        UpstreamFailureKind.Protocol => ResponseFlags.UpstreamProtocolError,
        UpstreamFailureKind.Overflow => ResponseFlags.UpstreamOverflow,
        UpstreamFailureKind.IdleTimeout => ResponseFlags.StreamIdleTimeout,
        _ => ResponseFlags.UpstreamRequestTimeout,
    };

    public int Status => Kind switch
    {
        UpstreamFailureKind.Protocol => StatusCodes.Status502BadGateway,
        UpstreamFailureKind.Timeout or UpstreamFailureKind.PerTryTimeout => StatusCodes.Status504GatewayTimeout,
        UpstreamFailureKind.IdleTimeout => StatusCodes.Status408RequestTimeout,
        _ => StatusCodes.Status503ServiceUnavailable,
    };

    /// <summary>How the endpoint's health is affected; null when the failure says nothing about the endpoint.</summary>
    public FailureKind? Health => Kind switch
    {
        UpstreamFailureKind.Connect or UpstreamFailureKind.ConnectTimeout => FailureKind.Connect,
        UpstreamFailureKind.Overflow or UpstreamFailureKind.RefusedStream or UpstreamFailureKind.IdleTimeout => null,
        _ => FailureKind.NoAnswer,
    };

    /// <summary>Envoy's words for it.</summary>
    private string Reason => Kind switch
    {
        UpstreamFailureKind.Connect => "remote connection failure",
        UpstreamFailureKind.ConnectTimeout => "connection timeout",
        UpstreamFailureKind.Terminated => "connection termination",
        UpstreamFailureKind.RefusedStream => "remote refused stream reset",
        UpstreamFailureKind.RemoteReset => "remote reset",
        UpstreamFailureKind.Protocol => "protocol error",
        UpstreamFailureKind.Overflow => "overflow",
        _ => "local reset",
    };

    /// <summary>The body of the answer that the client gets instead of the backend's.</summary>
    public string Body(bool retried) => Kind switch
    {
        UpstreamFailureKind.Timeout or UpstreamFailureKind.PerTryTimeout => "upstream request timeout",
        UpstreamFailureKind.IdleTimeout => "stream timeout",
        _ when retried => $"upstream connect error or disconnect/reset before headers. retried and the latest reset reason: {Reason}",
        _ => $"upstream connect error or disconnect/reset before headers. reset reason: {Reason}",
    };

    /// <summary>Envoy's <c>%RESPONSE_CODE_DETAILS%</c>.</summary>
    public string Details(bool responseStarted)
    {
        switch (Kind)
        {
            case UpstreamFailureKind.Timeout:
                return "response_timeout";
            case UpstreamFailureKind.PerTryTimeout:
                return "upstream_per_try_timeout";
            case UpstreamFailureKind.IdleTimeout:
                return "stream_idle_timeout";
            default:
                var moment = responseStarted ? "after" : "before";
                var transport = TransportReason is null ? "" : $"|{TransportReason}";
                return $"upstream_reset_{moment}_response_started{{{Reason.Replace(' ', '_')}{transport}}}";
        }
    }

    /// <summary>Reads what the HTTP client threw before there was an answer.</summary>
    public static UpstreamFailure BeforeResponse(Exception exception)
    {
        if (exception is OperationCanceledException)
        {
            // No token of ours is set when this is asked: only the handler's own connect timeout is left.
            return new(UpstreamFailureKind.ConnectTimeout, "connect_timeout");
        }

        if (Find<TlsFailureException>(exception) is { } tls)
        {
            return new(UpstreamFailureKind.Connect, tls.Reason);
        }

        if (Find<HttpProtocolException>(exception) is { } reset)
        {
            return new(reset.ErrorCode == RefusedStream ? UpstreamFailureKind.RefusedStream : UpstreamFailureKind.RemoteReset);
        }

        return (exception as HttpRequestException)?.HttpRequestError switch
        {
            HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError =>
                new(UpstreamFailureKind.Connect, $"delayed_connect_error:_{SystemReason(exception)}"),
            HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded
                or HttpRequestError.HttpProtocolError or HttpRequestError.VersionNegotiationError
                or HttpRequestError.ExtendedConnectNotSupported => new(UpstreamFailureKind.Protocol),
            _ => new(UpstreamFailureKind.Terminated),
        };
    }

    /// <summary>Reads what went wrong in the middle of an answer. An answer that ends early on a clean end of the connection is, as for Envoy, not HTTP.</summary>
    public static UpstreamFailure AfterResponse(Exception exception)
    {
        if (Find<HttpProtocolException>(exception) is not null)
        {
            return new(UpstreamFailureKind.RemoteReset);
        }

        return Find<HttpIOException>(exception) is { HttpRequestError: HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse }
            ? new(UpstreamFailureKind.Protocol)
            : new(UpstreamFailureKind.Terminated);
    }

    private static T? Find<T>(Exception exception)
        where T : Exception
    {
        for (var current = exception; current is not null; current = current.InnerException)
        {
            if (current is T found)
            {
                return found;
            }
        }

        return null;
    }

    // The system's own words, as strerror has them, with underscores for spaces: log lines are split at spaces.
    private static string SystemReason(Exception exception) =>
        Find<TunnelException>(exception) is { } tunnel ? tunnel.Reason
        : Find<SocketException>(exception) is { } socket ? socket.Message.Replace(' ', '_') : "unknown";
}
