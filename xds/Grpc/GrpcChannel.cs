using System.Net;

namespace Waypoint.Xds.Grpc;

/// <summary>Options of one call.</summary>
public sealed record GrpcCallOptions
{
    public static readonly GrpcCallOptions Default = new();

    /// <summary>How long the call may take; null means for ever. The server is told.</summary>
    public TimeSpan? Timeout { get; init; }

    public GrpcMetadata? Headers { get; init; }
}

/// <summary>Connections to one server, shared by all calls to it. The surface is that of gRPC's usual .NET client, as far as it is needed.</summary>
public sealed class GrpcChannel : IDisposable
{
    private readonly HttpMessageInvoker _invoker;
    private readonly Uri _address;
    private readonly GrpcChannelOptions _options;

    /// <param name="address">http://HOST:PORT for plain HTTP/2, https://HOST:PORT for TLS.</param>
    public GrpcChannel(Uri address, GrpcChannelOptions? options = null)
    {
        _address = address;
        _options = options ?? new GrpcChannelOptions();
        var handler = new SocketsHttpHandler
        {
            // Whatever the environment says about proxies and redirects is meant for browsers.
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = _options.ConnectTimeout,
            KeepAlivePingDelay = _options.KeepAliveDelay,
            KeepAlivePingTimeout = _options.KeepAliveTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
        if (_options.Tls is { } tls)
        {
            handler.SslOptions = tls.ToClientOptions();
        }

        if (_options.Connect is { } connect)
        {
            handler.ConnectCallback = (context, cancellation) => connect(context.DnsEndPoint, cancellation);
        }

        _invoker = new HttpMessageInvoker(handler, disposeHandler: true);
    }

    /// <param name="address">http://HOST:PORT or https://HOST:PORT.</param>
    /// <param name="invoker">Sends over connections of the caller's own; it is disposed with the channel.</param>
    public GrpcChannel(Uri address, HttpMessageInvoker invoker, GrpcChannelOptions? options = null)
    {
        _address = address;
        _options = options ?? new GrpcChannelOptions();
        _invoker = invoker;
    }

    /// <summary>Starts a call of any kind. Dispose it: a call that has not ended is then cancelled.</summary>
    /// <param name="cancellation">Cancels the call, whenever it comes.</param>
    public GrpcCall<TRequest, TResponse> Start<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, GrpcCallOptions? options = null, CancellationToken cancellation = default)
        where TRequest : class, Google.Protobuf.IMessage<TRequest>
        where TResponse : class, Google.Protobuf.IMessage<TResponse>
        => new(_invoker, _address, _options, method, options ?? GrpcCallOptions.Default, cancellation);

    /// <summary>One message there, one back.</summary>
    /// <exception cref="GrpcException">The call ended with another status than OK.</exception>
    public async Task<TResponse> CallAsync<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, TRequest request, GrpcCallOptions? options = null, CancellationToken cancellation = default)
        where TRequest : class, Google.Protobuf.IMessage<TRequest>
        where TResponse : class, Google.Protobuf.IMessage<TResponse>
    {
        await using var call = Start(method, options, cancellation);
        GrpcException? unsent = null;
        try
        {
            await call.WriteAsync(request).ConfigureAwait(false);
            await call.CompleteAsync().ConfigureAwait(false);
        }
        catch (GrpcException e)
        {
            // A server that has answered before it read everything has the better reason.
            unsent = e;
        }

        var response = await call.ReadAsync().ConfigureAwait(false)
            ?? throw unsent ?? new GrpcException(GrpcStatusCode.Internal, "the call ended well but without an answer");

        // The status comes after the answer: an answer counts only when the status is OK and nothing else came.
        return await call.ReadAsync().ConfigureAwait(false) is null
            ? response
            : throw new GrpcException(GrpcStatusCode.Internal, "more than one answer to a unary call");
    }

    public void Dispose() => _invoker.Dispose();
}
