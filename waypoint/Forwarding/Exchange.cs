using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Telemetry;
using Waypoint.Proxy.Telemetry.Tracing;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;
using RequestHead = Waypoint.Proxy.Routing.RequestHead;
using Route = Waypoint.Proxy.Routing.Route;

namespace Waypoint.Proxy.Forwarding;

/// <summary>One request and what became of it: filled in along the pipeline, read by telemetry at the end.</summary>
internal sealed class Exchange
{
    public Exchange(HttpContext context, IConnectionDestination destination)
    {
        Context = context;
        Destination = destination;
        Chain = destination.CurrentChain();
        RawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        IsGrpc = Grpc.IsGrpc(context.Request.ContentType);
    }

    public HttpContext Context { get; }

    public IConnectionDestination Destination { get; }

    /// <summary>The chain in force when the request began; it is kept to the end whatever is published meanwhile.</summary>
    public HttpChain? Chain { get; }

    /// <summary>The request target as received.</summary>
    public string RawTarget { get; }

    /// <summary>The request target as it is sent on; null until that is known.</summary>
    public string? Target { get; set; }

    public bool IsGrpc { get; }

    public DateTime StartedAt { get; } = DateTime.UtcNow;

    public long StartedTimestamp { get; } = Stopwatch.GetTimestamp();

    public Route? Route { get; set; }

    /// <summary>Set by a filter that changed what routes are matched against: the route is looked for again after it.</summary>
    public bool IsRouteStale { get; set; }

    /// <summary>
    /// Set by a filter that decided by the path in the chain's form who may pass: that form is then what is sent, so that a backend cannot read
    /// another path in <c>/public/..dmin</c> than the one that was judged.
    /// </summary>
    public bool IsPathJudged { get; set; }

    /// <summary>Its place in a trace; null when the chain has no tracing.</summary>
    public RequestTrace? Trace { get; set; }

    /// <summary>What filters told of the request.</summary>
    public DynamicMetadata Metadata => field ??= new();

    public ClusterSlot? Slot { get; set; }

    /// <summary>What the slot held when the request was routed.</summary>
    public Cluster? Cluster { get; set; }

    /// <summary>The endpoint of the latest try.</summary>
    public Endpoint? Endpoint { get; set; }

    /// <summary>Of what leads the client to the same endpoint again; null when nothing does.</summary>
    public ulong? Hash { get; set; }

    /// <summary>A <c>Set-Cookie</c> for the answer, so that the client comes back to the same endpoint; null when there is none to give.</summary>
    public string? AffinityCookie { get; set; }

    /// <summary>Over which connection the latest try went; null when nobody wants to know.</summary>
    public UpstreamConnection.Note? Connection { get; set; }

    /// <summary>How many times the request was sent to a backend.</summary>
    public int Tries { get; set; }

    /// <summary>The limit for the whole request; zero means none.</summary>
    public TimeSpan Timeout { get; set; }

    public long BytesReceived { get; set; }

    /// <summary>Bytes of the body sent to the client.</summary>
    public long BytesSent { get; set; }

    public ResponseFlags Flags { get; set; }

    /// <summary>Envoy's <c>%RESPONSE_CODE_DETAILS%</c>.</summary>
    public string Details { get; set; } = "via_upstream";

    /// <summary>Why no connection to the endpoint came about, in Envoy's words; null when one did.</summary>
    public string? TransportFailure { get; set; }

    /// <summary>From the end of the request to the head of the backend's answer; null when there was none.</summary>
    public TimeSpan? UpstreamServiceTime { get; set; }

    /// <summary>The value of <c>grpc-status</c> in the answer; null when it has none.</summary>
    public string? GrpcStatus { get; set; }

    /// <summary>The status that the client got; 0 when it went away before it got one.</summary>
    public int Status => !Context.Response.HasStarted && Flags.HasFlag(ResponseFlags.DownstreamConnectionTermination)
        ? 0
        : Context.Response.StatusCode;

    /// <summary>The messages of a gRPC call from the client; null when there is no body or it is not gRPC.</summary>
    public GrpcMessageCounter? RequestMessages { get; set; }

    /// <summary>The messages of a gRPC call to the client; null when there is no answer of a backend or it is not gRPC.</summary>
    public GrpcMessageCounter? ResponseMessages { get; set; }

    /// <summary>The request as filters see it: with its path in the chain's form. Allocates only for a path that came in another.</summary>
    public RequestHead MatchedHead() => RequestHead.From(Context, Chain!.PathForm).InMatchedForm();

    public bool IsHttp2 => HttpProtocol.IsHttp2(Context.Request.Protocol);

    /// <summary>The timestamp of the end of the request's body; 0 while it is still coming.</summary>
    public long RequestEndedTimestamp { get; set; }

    /// <summary>The timestamp of the head of the backend's answer; 0 while there is none.</summary>
    public long ResponseStartedTimestamp { get; set; }
}
