using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;

namespace Waypoint.Xds.Grpc;

/// <summary>A request body that is written while the response is read. HttpClient keeps its stream open until <see cref="Complete"/>.</summary>
internal sealed class DuplexContent : HttpContent
{
    private readonly TaskCompletionSource<PipeWriter> _writer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DuplexContent()
    {
        Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
    }

    /// <summary>Where the messages go; there once a connection is.</summary>
    public Task<PipeWriter> Writer => _writer.Task;

    public void Complete() => _completed.TrySetResult();

    /// <summary>Tells the writer that there will be no stream to write to.</summary>
    public void Fail(Exception exception)
    {
        _writer.TrySetException(exception);

        // Nobody may be writing; the failure is then told where the response is awaited.
        _ = _writer.Task.Exception;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        try
        {
            // Without this flush the request's headers would wait for the first message, and the server for the headers.
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // A server that knows its answer from the headers alone resets the stream at once. HttpClient then passes on the answer and not this failure.
            Fail(e);
            throw;
        }

        _writer.TrySetResult(PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));
        await _completed.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
