using System.Buffers;

namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>A tunnel's stream as the HTTP client takes it for a connection.</summary>
internal sealed class OutboundDuplexStream(OutboundStream stream) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var result = await stream.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
        var read = result.Buffer.Slice(0, Math.Min(buffer.Length, result.Buffer.Length));
        var length = (int)read.Length;
        read.CopyTo(buffer.Span);
        stream.Input.AdvanceTo(read.End);
        return length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var giveUp = cancellationToken.UnsafeRegister(static stream => ((OutboundStream)stream!).Cancel(), stream);
        await stream.WriteAsync(buffer).ConfigureAwait(false);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Like the close of a TCP connection: an end of stream, and what still comes is dropped.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ = stream.EndAsync().AsTask();
            stream.Input.Complete();
        }

        base.Dispose(disposing);
    }
}
