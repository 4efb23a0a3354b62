using System.Net;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;

namespace Waypoint.Xds.Grpc;

/// <summary>A call under way, seen from the server. One reader and one writer may work at the same time, not two of either.</summary>
public sealed class GrpcServerCall<TRequest, TResponse>
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    private readonly HttpContext _context;
    private readonly GrpcMethod<TRequest, TResponse> _method;
    private readonly int _maximumReceiveLength;
    private readonly ILogger _logger;
    private readonly string? _encoding;
    private CancellationTokenSource? _deadline;

    internal GrpcServerCall(HttpContext context, GrpcMethod<TRequest, TResponse> method, int maximumReceiveLength, ILogger logger)
    {
        _context = context;
        _method = method;
        _maximumReceiveLength = maximumReceiveLength;
        _logger = logger;
        _encoding = context.Request.Headers["grpc-encoding"];
        Cancellation = context.RequestAborted;
    }

    /// <summary>Ends when the client goes away or its deadline passes. Reading and writing end with it too.</summary>
    public CancellationToken Cancellation { get; private set; }

    /// <summary>What the client sent with the call.</summary>
    public GrpcMetadata Headers => field ??= GrpcMetadata.From(_context.Request.Headers);

    /// <summary>What goes out with the status.</summary>
    public GrpcMetadata Trailers { get; } = [];

    /// <summary>The client's address.</summary>
    public IPEndPoint Peer => new(_context.Connection.RemoteIpAddress ?? IPAddress.None, _context.Connection.RemotePort);

    /// <summary>Sends headers before the first message; later it does nothing.</summary>
    public async Task WriteHeadersAsync(GrpcMetadata? headers = null)
    {
        if (!_context.Response.HasStarted)
        {
            foreach (var (name, value) in headers ?? GrpcMetadata.Empty)
            {
                _context.Response.Headers.Append(name, value);
            }

            await _context.Response.StartAsync(Cancellation).ConfigureAwait(false);
            await _context.Response.BodyWriter.FlushAsync(Cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Reads the next message; null when the client has sent its last.</summary>
    public ValueTask<TRequest?> ReadAsync()
        => MessageFraming.ReadAsync(_context.Request.BodyReader, _method.RequestParser, _maximumReceiveLength, _encoding, Cancellation);

    /// <summary>Ends a read that is waiting, or else the next one, as if the client had sent its last message.</summary>
    public void StopReading() => _context.Request.BodyReader.CancelPendingRead();

    /// <summary>Sends a message; the task ends when the transport has taken it, which a slow client delays.</summary>
    public async Task WriteAsync(TResponse message)
    {
        var result = await MessageFraming.WriteAsync(_context.Response.BodyWriter, message, Cancellation).ConfigureAwait(false);
        if (result.IsCompleted)
        {
            throw new OperationCanceledException("the client has gone");
        }
    }

    /// <summary>Reads the one message of a call that takes one.</summary>
    internal async Task<TRequest> ReadOnlyAsync()
    {
        var request = await ReadAsync().ConfigureAwait(false)
            ?? throw new GrpcException(GrpcStatusCode.Internal, "the call ended without its message");
        return await ReadAsync().ConfigureAwait(false) is null
            ? request
            : throw new GrpcException(GrpcStatusCode.Internal, "more than one message for a call that takes one");
    }

    internal async Task RunAsync(Func<GrpcServerCall<TRequest, TResponse>, Task> handler)
    {
        LiftBodyLimits();
        if (!TryStartDeadline(out var status))
        {
            CallStatus.Write(_context.Response, status);
            return;
        }

        try
        {
            await handler(this).ConfigureAwait(false);
            status = GrpcStatus.Ok;
        }
        catch (Exception e)
        {
            status = StatusOf(e);
        }
        finally
        {
            _deadline?.Dispose();
        }

        if (!_context.RequestAborted.IsCancellationRequested)
        {
            CallStatus.Write(_context.Response, status, Trailers);
        }
    }

    private GrpcStatus StatusOf(Exception exception)
    {
        switch (exception)
        {
            case GrpcException e:
                return e.Status;
            case var _ when _context.RequestAborted.IsCancellationRequested:
                return new GrpcStatus(GrpcStatusCode.Cancelled, "the client has gone");
            case OperationCanceledException when _deadline is { IsCancellationRequested: true }:
                return new GrpcStatus(GrpcStatusCode.DeadlineExceeded, "the deadline has passed");
            case OperationCanceledException:
                return new GrpcStatus(GrpcStatusCode.Cancelled, "the call was cancelled");
            default:
                GrpcLog.HandlerFailed(_logger, _method.Path, exception);
                return new GrpcStatus(GrpcStatusCode.Unknown, "the handler failed");
        }
    }

    private bool TryStartDeadline(out GrpcStatus error)
    {
        error = default;
        if (_context.Request.Headers["grpc-timeout"] is not [{ } text])
        {
            return true;
        }

        if (!GrpcTimeout.TryParse(text, out var timeout))
        {
            error = new GrpcStatus(GrpcStatusCode.Internal, $"grpc-timeout cannot be read: {text}");
            return false;
        }

        _deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        _deadline.CancelAfter(timeout);
        Cancellation = _deadline.Token;
        return true;
    }

    /// <summary>A stream may be silent for hours and carry more than any form upload.</summary>
    private void LiftBodyLimits()
    {
        if (_context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        if (_context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }
    }
}
