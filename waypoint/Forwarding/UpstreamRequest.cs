using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Resilience;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry;
using Yarp.ReverseProxy.Forwarder;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// One request towards its backends, over all of its tries: what YARP asks for while it forwards (how the request looks on the
/// other side, what of the answer goes back), and what it should use in place of its own body copy.
/// </summary>
internal sealed class UpstreamRequest : HttpTransformer, IDisposable
{
    // The target goes out as it came in: no unescaping, no removal of dot segments.
    private static readonly UriCreationOptions AsIs = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly Exchange _exchange;
    private readonly string _target;
    private HttpContent? _content;

    /// <param name="exchange">The request.</param>
    /// <param name="target">Path and query to send.</param>
    /// <param name="mirrors">Get a copy of the body.</param>
    public UpstreamRequest(Exchange exchange, string target, IReadOnlyList<MirrorBody> mirrors)
    {
        _exchange = exchange;
        _target = target;
        var context = exchange.Context;
        if (HasBody(context))
        {
            exchange.RequestMessages = exchange.IsGrpc ? new GrpcMessageCounter() : null;
            Body = new RequestBody(context.Request.BodyReader, OnRequestEnded)
            {
                Mirrors = mirrors,
                Messages = exchange.RequestMessages,
                OnActivity = () => Clock?.Activity(),
            };
            _content = Body;
            _content.Headers.ContentLength = context.Request.ContentLength;
        }
        else
        {
            exchange.RequestEndedTimestamp = Stopwatch.GetTimestamp();

            if (context.Request.ContentLength.HasValue)
            {
                _content = new ByteArrayContent([]);
            }
        }
    }

    /// <summary>Null when the request has none.</summary>
    public RequestBody? Body { get; }

    /// <summary>Null when no limit of time applies.</summary>
    public RequestClock? Clock { get; init; }

    /// <summary>Null when the route has no retries.</summary>
    public RetryState? Retries { get; init; }

    public HeaderMutations ShareResponseHeaders { get; init; } = HeaderMutations.None;

    /// <summary>True once the head of an answer came that will be, or was, passed on.</summary>
    public bool Answered { get; private set; }

    /// <summary>True when the answer of the latest try was thrown away because there is to be another.</summary>
    public bool RetryWanted { get; private set; }

    public bool CanReplay => Body is not { CanReplay: false };

    /// <summary>The way into the connection pools for this request.</summary>
    public HttpMessageInvoker CreateInvoker(HttpMessageHandler handler) => new Invoker(handler, this);

    /// <summary>Call it before each try.</summary>
    public void StartTry()
    {
        RetryWanted = false;
        if (Body is null)
        {
            Clock?.RequestEnded();
        }
    }

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext,
        HttpRequestMessage proxyRequest,
        string destinationPrefix,
        CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = new Uri(destinationPrefix + _target, AsIs);
        UpstreamHeaders.CopyRequest(_exchange, proxyRequest, ref _content);
        if (_exchange.Cluster!.MaxRequestsPerConnection == 1 && proxyRequest.Version.Major == 1 && proxyRequest.Headers.Upgrade.Count == 0)
        {
            proxyRequest.Headers.ConnectionClose = true;
        }

        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext,
        HttpResponseMessage? proxyResponse,
        CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return new ValueTask<bool>(false);
        }

        var status = (int)proxyResponse.StatusCode;
        ReportHealth(status);
        if (WantsRetry(proxyResponse, status))
        {
            RetryWanted = true;
            httpContext.Response.Clear();
            return new ValueTask<bool>(false);
        }

        Body?.StopKeeping();
        Clock?.ResponseStarted();
        PassOn(proxyResponse, httpContext.Response);
        Answered = true;
        return new ValueTask<bool>(true);
    }

    public override async ValueTask TransformResponseTrailersAsync(
        HttpContext httpContext,
        HttpResponseMessage proxyResponse,
        CancellationToken cancellationToken)
    {
        if (_exchange.IsGrpc && proxyResponse.TrailingHeaders.NonValidated.TryGetValues(HeaderNames.GrpcStatus, out var status))
        {
            _exchange.GrpcStatus = status.ToString();
        }

        UpstreamHeaders.CopyTrailers(proxyResponse, httpContext);
        if (_exchange.IsHttp2)
        {
            // The answer is whole, whatever the client is still sending: it should not wait for its own upload to learn that.
            await httpContext.Response.CompleteAsync().ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        Clock?.Dispose();
        Retries?.Dispose();
        _content?.Dispose();
    }

    public static bool HasBody(HttpContext context) =>
        context.Features.GetRequiredFeature<IHttpRequestBodyDetectionFeature>().CanHaveBody
        && !HttpMethods.IsConnect(context.Request.Method);

    private void OnRequestEnded()
    {
        _exchange.RequestEndedTimestamp = Stopwatch.GetTimestamp();
        Clock?.RequestEnded();
    }

    private bool WantsRetry(HttpResponseMessage response, int status)
    {
        if (Retries is null)
        {
            return false;
        }

        // A gRPC error without any message comes as headers only; one in trailers comes too late to be retried.
        response.Headers.NonValidated.TryGetValues(HeaderNames.GrpcStatus, out var grpcStatus);
        switch (Retries.Judge(status, _exchange.IsGrpc ? grpcStatus.ToString() : default, CanReplay))
        {
            case RetryVerdict.Retry:
                return true;
            case RetryVerdict.LimitExceeded:
                _exchange.Flags |= ResponseFlags.UpstreamRetryLimitExceeded;
                return false;
            case RetryVerdict.Overflow:
                _exchange.Flags |= ResponseFlags.UpstreamOverflow;
                return false;
            default:
                return false;
        }
    }

    private void ReportHealth(int status)
    {
        var cluster = _exchange.Cluster!;
        var endpoint = _exchange.Endpoint!;
        if (status < 500)
        {
            cluster.ReportSuccess(endpoint);
        }
        else
        {
            cluster.ReportFailure(endpoint, status is 502 or 503 or 504 ? FailureKind.GatewayError : FailureKind.ServerError);
        }
    }

    private void PassOn(HttpResponseMessage source, HttpResponse target)
    {
        UpstreamHeaders.CopyResponse(source, _exchange);
        if (_exchange.IsGrpc && target.Headers.TryGetValue(HeaderNames.GrpcStatus, out var grpcStatus))
        {
            _exchange.GrpcStatus = grpcStatus.ToString();
        }

        var requestEnded = _exchange.RequestEndedTimestamp;
        var responseStarted = Stopwatch.GetTimestamp();
        _exchange.ResponseStartedTimestamp = responseStarted;
        var serviceTime = requestEnded == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(requestEnded, responseStarted);
        _exchange.UpstreamServiceTime = serviceTime;
        target.Headers[EnvoyHeaders.UpstreamServiceTime] = ((long)serviceTime.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

        if (_exchange.AffinityCookie is { } cookie)
        {
            target.Headers.Append(HeaderNames.SetCookie, cookie);
        }

        // Envoy's order: what belongs to the narrower scope is applied first.
        ShareResponseHeaders.ApplyTo(target.Headers, _exchange);
        _exchange.Route!.ResponseHeaders.ApplyTo(target.Headers, _exchange);
        if (_exchange.Chain!.ServerName is { } server)
        {
            target.Headers.Server = server;
        }

        _exchange.ResponseMessages = _exchange.IsGrpc ? new GrpcMessageCounter() : null;
        source.Content = new ResponseBody(source.Content, _exchange, Clock);
    }

    /// <summary>
    /// Puts our content in the place of YARP's. YARP's copies from a stream, flushes only what looks like gRPC, and can be consumed
    /// once, where the client library may ask twice.
    /// </summary>
    private sealed class Invoker(HttpMessageHandler handler, UpstreamRequest upstream) : HttpMessageInvoker(handler, disposeHandler: false)
    {
        public override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Content = upstream._content;
            if (request.Version.Major == 1)
            {
                UpstreamClients.AllowOneWrite(request);
                if (upstream._exchange.Chain is { AccessLogs.IsEmpty: false })
                {
                    // The flow ends with the try; nothing but this try's writes sees the note.
                    upstream._exchange.Connection = UpstreamConnection.Track();
                }
            }

            return base.SendAsync(request, cancellationToken);
        }
    }
}
