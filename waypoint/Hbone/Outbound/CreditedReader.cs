using System.Buffers;
using System.IO.Pipelines;

namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>A pipe's reader that says how much was consumed, so that the peer may send as much again.</summary>
internal sealed class CreditedReader(PipeReader inner, Action<int> consumed, Action completed) : PipeReader
{
    private ReadOnlySequence<byte> _buffer;

    public override void AdvanceTo(SequencePosition consumedTo) => AdvanceTo(consumedTo, consumedTo);

    public override void AdvanceTo(SequencePosition consumedTo, SequencePosition examined)
    {
        var length = (int)_buffer.Slice(_buffer.Start, consumedTo).Length;
        inner.AdvanceTo(consumedTo, examined);
        if (length > 0)
        {
            consumed(length);
        }
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null)
    {
        inner.Complete(exception);
        completed();
    }

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var result = await inner.ReadAsync(cancellationToken).ConfigureAwait(false);
        _buffer = result.Buffer;
        return result;
    }

    public override bool TryRead(out ReadResult result)
    {
        var isRead = inner.TryRead(out result);
        _buffer = result.Buffer;
        return isRead;
    }
}
