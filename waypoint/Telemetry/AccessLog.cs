using System.Buffers;
using System.Threading.Channels;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Telemetry;

/// <summary>Where access-log lines go, and whether they are written for chains that do not ask for them.</summary>
/// <param name="Output">Gets the lines.</param>
/// <param name="Always">A line for every request, whatever the configuration says.</param>
internal sealed record AccessLogSettings(Stream Output, bool Always)
{
    /// <summary>The variable that switches the log on for all: <c>stdout</c> or <c>/dev/stdout</c>.</summary>
    public const string Variable = "WAYPOINT_ACCESS_LOG";

    public static AccessLogSettings FromEnvironment() => new(
        Console.OpenStandardOutput(),
        Environment.GetEnvironmentVariable(Variable) is "stdout" or "/dev/stdout");
}

/// <summary>
/// Writes a line per request in Istio's default format to standard output. Requests never wait for it: lines go through a bounded queue,
/// and when whatever reads the output is too slow, lines are dropped and counted.
/// </summary>
internal sealed class AccessLog : IAsyncDisposable
{
    private const int QueuedLines = 8192;
    private const int WriteSize = 64 * 1024;

    private readonly Channel<ArraySegment<byte>> _lines;
    private readonly AccessLogSettings _settings;
    private readonly Task _writing;
    private long _dropped;

    public AccessLog(AccessLogSettings settings)
    {
        _settings = settings;
        _lines = Channel.CreateBounded<ArraySegment<byte>>(
            new BoundedChannelOptions(QueuedLines) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        _writing = WriteAsync();
    }

    /// <summary>Lines lost because the output was too slow.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    public void Completed(Exchange exchange)
    {
        if (!_settings.Always && exchange.Chain is not { AccessLog: true })
        {
            return;
        }

        var line = LineBuffer.Shared;
        LineFormat.IstioDefault.Write(new StreamInfo(exchange), line);
        var queued = ArrayPool<byte>.Shared.Rent(line.Length);
        line.Written.CopyTo(queued);
        if (!_lines.Writer.TryWrite(new ArraySegment<byte>(queued, 0, line.Length)))
        {
            ArrayPool<byte>.Shared.Return(queued);
            Interlocked.Increment(ref _dropped);
        }
    }

    /// <summary>Writes what is queued, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _writing.ConfigureAwait(false);
    }

    private async Task WriteAsync()
    {
        var block = new ArrayBufferWriter<byte>(WriteSize);
        while (await _lines.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            block.ResetWrittenCount();
            while (block.WrittenCount < WriteSize && _lines.Reader.TryRead(out var line))
            {
                block.Write(line.AsSpan());
                ArrayPool<byte>.Shared.Return(line.Array!);
            }

            try
            {
                await _settings.Output.WriteAsync(block.WrittenMemory).ConfigureAwait(false);
                await _settings.Output.FlushAsync().ConfigureAwait(false);
            }
            catch (IOException)
            {
                // Nobody reads standard output any more; the proxy goes on without.
                Interlocked.Increment(ref _dropped);
            }
        }
    }
}
