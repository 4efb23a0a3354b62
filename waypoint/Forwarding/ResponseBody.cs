using System.Net;
using Waypoint.Proxy.Resilience;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// The backend's body on its way to the client. YARP holds the head of an answer back until the first byte of its body is there;
/// here the head goes out as soon as the body keeps it waiting (server-sent events, gRPC streams). Counts what goes by.
/// </summary>
internal sealed class ResponseBody(HttpContent inner, Exchange exchange, RequestClock? clock) : HttpContent
{
    // The client library has its stream ready once the head is there, so nothing is waited for.
    protected override Task<Stream> CreateContentReadStreamAsync() =>
        Task.FromResult<Stream>(new CountingStream(inner.ReadAsStream(), exchange, clock));

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => inner.CopyToAsync(stream, context);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Reads from the backend; after an upgrade it is written to as well.</summary>
    private sealed class CountingStream(Stream inner, Exchange exchange, RequestClock? clock) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => inner.CanWrite;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = inner.ReadAsync(buffer, cancellationToken);
            if (!read.IsCompletedSuccessfully)
            {
                return WaitAsync(read, buffer, cancellationToken);
            }

            return new ValueTask<int>(Count(buffer.Span, read.Result));
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            exchange.BytesReceived += buffer.Length;
            clock?.Activity();
            return inner.WriteAsync(buffer, cancellationToken);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }

        private async ValueTask<int> WaitAsync(ValueTask<int> read, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            if (!exchange.Context.Response.HasStarted)
            {
                await exchange.Context.Response.Body.FlushAsync(cancellationToken).ConfigureAwait(false);
            }

            var bytes = await read.ConfigureAwait(false);
            return Count(buffer.Span, bytes);
        }

        private int Count(ReadOnlySpan<byte> buffer, int bytes)
        {
            exchange.ResponseMessages?.Read(buffer[..bytes]);
            exchange.BytesSent += bytes;
            clock?.Activity();
            return bytes;
        }
    }
}
