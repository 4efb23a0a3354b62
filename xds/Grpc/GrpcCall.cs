using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using Google.Protobuf;

namespace Waypoint.Xds.Grpc;

/// <summary>A call under way, seen from the client. One reader and one writer may work at the same time, not two of either.</summary>
public sealed class GrpcCall<TRequest, TResponse> : IAsyncDisposable
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    private readonly GrpcMethod<TRequest, TResponse> _method;
    private readonly GrpcChannelOptions _channel;
    private readonly CancellationTokenSource _ending;
    private readonly CancellationToken _caller;
    private readonly DuplexContent _content = new();
    private readonly Task<HttpResponseMessage> _response;
    private bool _deadlineSet;
    private PipeReader? _reader;
    private GrpcStatus? _status;

    internal GrpcCall(
        HttpMessageInvoker invoker, Uri address, GrpcChannelOptions channel, GrpcMethod<TRequest, TResponse> method, GrpcCallOptions options,
        CancellationToken cancellation)
    {
        _method = method;
        _channel = channel;
        _caller = cancellation;
        _ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _response = SendAsync(invoker, address, options);
    }

    /// <summary>What the server sent after the status; empty before the end.</summary>
    public GrpcMetadata Trailers { get; private set; } = GrpcMetadata.Empty;

    /// <summary>What the server sent first. Servers may hold their headers back until they have an answer.</summary>
    /// <exception cref="GrpcException">The call failed before.</exception>
    public async Task<GrpcMetadata> ReadHeadersAsync()
    {
        try
        {
            return GrpcMetadata.From((await _response.ConfigureAwait(false)).Headers);
        }
        catch (Exception e) when (e is not GrpcException)
        {
            throw Failed(e);
        }
    }

    /// <summary>Sends a message; the task ends when the transport has taken it, which a slow server delays.</summary>
    /// <exception cref="GrpcException">The call has ended; the reason, when the server gave one, is told by reading.</exception>
    public async Task WriteAsync(TRequest message)
    {
        try
        {
            var writer = await _content.Writer.ConfigureAwait(false);
            await MessageFraming.WriteAsync(writer, message, _ending.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not GrpcException)
        {
            throw Failed(e);
        }
    }

    /// <summary>Tells the server that no more messages come.</summary>
    public async Task CompleteAsync()
    {
        try
        {
            await _content.Writer.ConfigureAwait(false);
            _content.Complete();
        }
        catch (Exception e) when (e is not GrpcException)
        {
            throw Failed(e);
        }
    }

    /// <summary>Reads the next message; null when the call has ended with OK.</summary>
    /// <exception cref="GrpcException">The call has ended with another status.</exception>
    public async ValueTask<TResponse?> ReadAsync()
    {
        if (_status is { } ended)
        {
            return ended.Code == GrpcStatusCode.Ok ? null : throw new GrpcException(ended) { Trailers = Trailers };
        }

        try
        {
            var response = await _response.ConfigureAwait(false);
            if (_reader is null)
            {
                var stream = await response.Content.ReadAsStreamAsync(_ending.Token).ConfigureAwait(false);
                _reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, useZeroByteReads: true));
            }

            var encoding = response.Headers.NonValidated.TryGetValues("grpc-encoding", out var values) ? values.ToString() : null;
            if (await MessageFraming.ReadAsync(_reader, _method.ResponseParser, _channel.MaximumReceiveLength, encoding, _ending.Token).ConfigureAwait(false)
                is { } message)
            {
                return message;
            }

            (_status, Trailers) = ResponseStatus.Read(response);
        }
        catch (GrpcException e)
        {
            _status = e.Status;
            await _ending.CancelAsync().ConfigureAwait(false);
            throw;
        }
        catch (Exception e)
        {
            var failure = Failed(e);
            _status = failure.Status;
            throw failure;
        }

        return await ReadAsync().ConfigureAwait(false);
    }

    /// <summary>Reads to the end.</summary>
    /// <exception cref="GrpcException">The call has ended with another status than OK.</exception>
    public async IAsyncEnumerable<TResponse> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await using var registration = cancellation.Register(static state => ((CancellationTokenSource)state!).Cancel(), _ending);
        while (await ReadAsync().ConfigureAwait(false) is { } message)
        {
            yield return message;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Both after a good end do nothing; before it they reset the stream.
        await _ending.CancelAsync().ConfigureAwait(false);
        _content.Complete();
        await ((Task)_response).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_response.IsCompletedSuccessfully)
        {
            (await _response.ConfigureAwait(false)).Dispose();
        }

        if (_reader is not null)
        {
            await _reader.CompleteAsync().ConfigureAwait(false);
        }

        _ending.Dispose();
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker invoker, Uri address, GrpcCallOptions options)
    {
        try
        {
            if (options.Timeout is { } timeout)
            {
                _deadlineSet = true;
                _ending.CancelAfter(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero);
            }

            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, _method.Path))
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = _content,
            };
            if ((_channel.Authority ?? _channel.Tls?.ServerName) is { } name)
            {
                // SocketsHttpHandler takes the name to ask for and to check from here and overrides SslClientAuthenticationOptions.TargetHost.
                request.Headers.Host = name;
            }

            request.Headers.TryAddWithoutValidation("te", "trailers");
            request.Headers.TryAddWithoutValidation("user-agent", _channel.UserAgent);
            if (options.Timeout is { } limit)
            {
                request.Headers.TryAddWithoutValidation("grpc-timeout", GrpcTimeout.Format(limit));
            }

            if (_channel.BearerToken is { } token && await token(_ending.Token).ConfigureAwait(false) is { } bearer)
            {
                request.Headers.TryAddWithoutValidation("authorization", $"Bearer {bearer}");
            }

            foreach (var (key, value) in options.Headers ?? GrpcMetadata.Empty)
            {
                request.Headers.TryAddWithoutValidation(key, value);
            }

            var response = await invoker.SendAsync(request, _ending.Token).ConfigureAwait(false);
            ResponseStatus.Check(response);
            return response;
        }
        catch (Exception e)
        {
            _content.Fail(e);
            throw;
        }
    }

    private GrpcException Failed(Exception exception)
    {
        var status = exception switch
        {
            _ when _caller.IsCancellationRequested => new GrpcStatus(GrpcStatusCode.Cancelled, "the caller cancelled the call"),
            _ when _ending.IsCancellationRequested && _deadlineSet => new GrpcStatus(GrpcStatusCode.DeadlineExceeded, "the deadline has passed"),
            OperationCanceledException => new GrpcStatus(GrpcStatusCode.Cancelled, "the call was cancelled"),
            _ => ResponseStatus.Of(exception),
        };
        return new GrpcException(status, exception);
    }
}
