using System.IO.Pipelines;
using System.Net;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// The copy of a body for a mirror. The main request never waits for it: a mirror that falls more than
/// <see cref="Limit"/> behind is given up.
/// </summary>
internal sealed class MirrorBody : HttpContent
{
    /// <summary>In bytes.</summary>
    public const int Limit = 64 * 1024;

    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: Limit, resumeWriterThreshold: Limit / 2, useSynchronizationContext: false));
    private bool _over;

    public void Offer(ReadOnlyMemory<byte> part)
    {
        if (_over)
        {
            return;
        }

        var written = _pipe.Writer.WriteAsync(part);
        if (!written.IsCompletedSuccessfully || written.Result.IsCompleted)
        {
            _over = true;
            _pipe.Writer.Complete(new IOException("The mirror is too slow for the request that it copies."));
        }
    }

    public void End()
    {
        if (!_over)
        {
            _over = true;
            _pipe.Writer.Complete();
        }
    }

    /// <summary>The request came to nothing before its body ended; the copy must not look like a whole one.</summary>
    public void Abandon()
    {
        if (!_over)
        {
            _over = true;
            _pipe.Writer.Complete(new IOException("The request that this one copies was not completed."));
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var reader = _pipe.Reader;
        try
        {
            while (true)
            {
                if (!reader.TryRead(out var part))
                {
                    await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
                    part = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                }

                foreach (var segment in part.Buffer)
                {
                    await stream.WriteAsync(segment, cancellationToken).ConfigureAwait(false);
                }

                reader.AdvanceTo(part.Buffer.End);
                if (part.IsCompleted)
                {
                    return;
                }
            }
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    /// <summary>Releases what was never read; the writing side then gives up at its next <see cref="Offer"/>.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _pipe.Reader.Complete();
        }

        base.Dispose(disposing);
    }
}
