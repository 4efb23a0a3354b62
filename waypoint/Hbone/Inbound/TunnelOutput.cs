using System.IO.Pipelines;

namespace Waypoint.Proxy.Hbone.Inbound;

/// <summary>
/// The way out of a tunnel's connection. A peer that is gone ends it as a completed pipe, which is what Kestrel's own transports do; an exception of
/// the socket's would be an error in the log for each frame that was still to be sent.
/// </summary>
internal sealed class TunnelOutput(PipeWriter writer) : PipeWriter
{
    private bool _isBroken;

    public override bool CanGetUnflushedBytes => writer.CanGetUnflushedBytes;

    public override long UnflushedBytes => writer.UnflushedBytes;

    public override void Advance(int bytes) => writer.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => writer.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => writer.GetSpan(sizeHint);

    public override void CancelPendingFlush() => writer.CancelPendingFlush();

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (!_isBroken)
        {
            try
            {
                return await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                _isBroken = true;
            }
        }

        return new FlushResult(isCanceled: false, isCompleted: true);
    }

    public override void Complete(Exception? exception = null)
    {
        try
        {
            // What is still buffered is flushed, which a peer that is gone does not take.
            writer.Complete(exception);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            _isBroken = true;
        }
    }
}
