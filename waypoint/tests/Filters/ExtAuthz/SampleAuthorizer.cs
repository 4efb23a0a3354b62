using System.Collections.Concurrent;
using System.Net;
using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Envoy.Type.V3;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Xds.Grpc;
using static Waypoint.Proxy.Tests.Forwarding.ProxyUnderTest;

namespace Waypoint.Proxy.Tests.Filters.ExtAuthz;

/// <summary>An authorisation service, over gRPC and over HTTP, with the rule of Istio's sample: <c>x-ext-authz: allow</c> may pass.</summary>
public sealed class SampleAuthorizer : IAsyncLifetime
{
    private static readonly GrpcMethod<CheckRequest, CheckResponse> Check =
        new("envoy.service.auth.v3.Authorization", "Check", CheckRequest.Parser, CheckResponse.Parser);

    private GrpcServer _grpc = null!;
    private HttpBackend _http = null!;

    /// <summary>What the gRPC service answers; the sample's rule unless set.</summary>
    public Func<CheckRequest, Task<CheckResponse>> Answer { get; set; } = Rule;

    /// <summary>What the HTTP service answers; the sample's rule unless set.</summary>
    public RequestDelegate Serve { get; set; } = Rule;

    public ConcurrentQueue<CheckRequest> Asked { get; } = [];

    internal ClusterSlot Grpc => SlotOf(ClusterOf(UpstreamProtocol.Http2, _grpc.EndPoint));

    internal ClusterSlot Http => SlotOf(ClusterOf(UpstreamProtocol.Http1, _http.Http1));

    public async Task InitializeAsync()
    {
        var services = new GrpcServices(NullLogger.Instance);
        services.AddUnary(Check, (request, _) =>
        {
            Asked.Enqueue(request);
            return Answer(request);
        });
        _grpc = await GrpcServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), services, NullLoggerFactory.Instance);
        _http = await HttpBackend.StartAsync(context => Serve(context));
    }

    public async Task DisposeAsync()
    {
        await _grpc.DisposeAsync();
        await _http.DisposeAsync();
    }

    public static Task<CheckResponse> Rule(CheckRequest request) => Task.FromResult(
        request.Attributes.Request?.Http?.Headers.GetValueOrDefault("x-ext-authz") == "allow"
            ? new CheckResponse { Status = new Google.Rpc.Status(), OkResponse = new OkHttpResponse { Headers = { Header("x-ext-authz-check-result", "allowed") } } }
            : new CheckResponse
            {
                Status = new Google.Rpc.Status { Code = 7 },
                DeniedResponse = new DeniedHttpResponse
                {
                    Status = new HttpStatus { Code = StatusCode.Forbidden },
                    Body = "denied by ext_authz",
                    Headers = { Header("x-ext-authz-check-result", "denied") },
                },
            });

    public static HeaderValueOption Header(string name, string value, bool? append = null) =>
        new() { Header = new HeaderValue { Key = name, Value = value }, Append = append };

    private static Task Rule(HttpContext context)
    {
        var allowed = context.Request.Headers["x-ext-authz"] == "allow";
        context.Response.StatusCode = allowed ? 200 : 403;
        context.Response.Headers["x-ext-authz-check-result"] = allowed ? "allowed" : "denied";
        return allowed ? Task.CompletedTask : context.Response.WriteAsync("denied by ext_authz");
    }
}
