using System.Buffers;
using System.Threading.Channels;

namespace Waypoint.Proxy.Telemetry.AccessLogging;

/// <summary>
/// One file of lines and its writer. Whoever has a line never waits: lines go through a bounded queue, and when whatever reads the
/// file is too slow, lines are dropped and counted.
/// </summary>
internal sealed class LogOutput : IAsyncDisposable
{
    private const int QueuedLines = 8192;
    private const int WriteSize = 64 * 1024;

    private readonly Channel<ArraySegment<byte>> _lines;
    private readonly Stream? _output;
    private readonly Task _writing;
    private long _dropped;

    /// <param name="output">Null when the file could not be opened: then every line is dropped.</param>
    public LogOutput(Stream? output)
    {
        _output = output;
        _lines = Channel.CreateBounded<ArraySegment<byte>>(
            new BoundedChannelOptions(QueuedLines) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        _writing = output is null ? Task.CompletedTask : WriteAsync(output);
    }

    /// <summary>Lines lost because the output was too slow, or was not there.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    public void Write(ReadOnlySpan<byte> line)
    {
        if (_output is not null)
        {
            var queued = ArrayPool<byte>.Shared.Rent(line.Length);
            line.CopyTo(queued);
            if (_lines.Writer.TryWrite(new ArraySegment<byte>(queued, 0, line.Length)))
            {
                return;
            }

            ArrayPool<byte>.Shared.Return(queued);
        }

        Interlocked.Increment(ref _dropped);
    }

    /// <summary>Writes what is queued, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _writing.ConfigureAwait(false);
        if (_output is FileStream file)
        {
            await file.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task WriteAsync(Stream output)
    {
        var block = new ArrayBufferWriter<byte>(WriteSize);
        while (await _lines.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            block.ResetWrittenCount();
            var lines = 0;
            while (block.WrittenCount < WriteSize && _lines.Reader.TryRead(out var line))
            {
                block.Write(line.AsSpan());
                ArrayPool<byte>.Shared.Return(line.Array!);
                lines++;
            }

            try
            {
                await output.WriteAsync(block.WrittenMemory).ConfigureAwait(false);
                await output.FlushAsync().ConfigureAwait(false);
            }
            catch (IOException)
            {
                // Nobody reads it any more, or the disk is full; the proxy goes on without.
                Interlocked.Add(ref _dropped, lines);
            }
        }
    }
}
