using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Waypoint.Xds.Grpc;

/// <summary>The methods that a server answers, by path. Complete it before the server starts.</summary>
public sealed class GrpcServices
{
    private readonly Dictionary<string, Func<HttpContext, Task>> _methods = new(StringComparer.Ordinal);
    private readonly ILogger _logger;
    private readonly int _maximumReceiveLength;

    /// <param name="maximumReceiveLength">The longest message that is taken, in bytes; a longer one is answered RESOURCE_EXHAUSTED.</param>
    public GrpcServices(ILogger logger, int maximumReceiveLength = 4 * 1024 * 1024)
    {
        _logger = logger;
        _maximumReceiveLength = maximumReceiveLength;
    }

    /// <summary>Adds a method of any kind: the handler reads and writes as it likes. Its end is the call's; a <see cref="GrpcException"/> is its status.</summary>
    public void Add<TRequest, TResponse>(GrpcMethod<TRequest, TResponse> method, Func<GrpcServerCall<TRequest, TResponse>, Task> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
        => _methods.Add(method.Path, context => new GrpcServerCall<TRequest, TResponse>(context, method, _maximumReceiveLength, _logger).RunAsync(handler));

    /// <summary>Adds a method that takes one message and gives one.</summary>
    public void AddUnary<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, Func<TRequest, GrpcServerCall<TRequest, TResponse>, Task<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
        => Add(method, async call => await call.WriteAsync(await handler(await call.ReadOnlyAsync(), call)));

    /// <summary>Adds a method that takes one message and gives many.</summary>
    public void AddServerStreaming<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, Func<TRequest, GrpcServerCall<TRequest, TResponse>, Task> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
        => Add(method, async call => await handler(await call.ReadOnlyAsync(), call));

    /// <summary>Answers a request: gRPC's errors in gRPC's own way, anything else with an HTTP status.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        var response = context.Response;
        if (!HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            response.StatusCode = StatusCodes.Status426UpgradeRequired;
            response.Headers.Upgrade = "h2c";
            return Task.CompletedTask;
        }

        if (!HttpMethods.IsPost(context.Request.Method))
        {
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            response.Headers.Allow = "POST";
            return Task.CompletedTask;
        }

        if (!GrpcContentType.Is(context.Request.ContentType))
        {
            response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return Task.CompletedTask;
        }

        response.ContentType = GrpcContentType.Value;
        if (_methods.TryGetValue(context.Request.Path.Value ?? "", out var method))
        {
            return method(context);
        }

        CallStatus.Write(response, new GrpcStatus(GrpcStatusCode.Unimplemented, $"there is no method {context.Request.Path.Value}"));
        return Task.CompletedTask;
    }
}
