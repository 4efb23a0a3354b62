using System.Buffers;
using System.IO.Pipelines;
using System.Net;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// The client's body on its way to a backend. It is streamed as it comes; while a retry is possible what went by is kept, up to
/// <see cref="ReplayLimit"/>, and a body that grows larger can no longer be sent again. Mirrors get a copy of each part.
/// </summary>
internal sealed class RequestBody(PipeReader reader, Action onEnd) : HttpContent
{
    /// <summary>In bytes (design D10).</summary>
    public const int ReplayLimit = 64 * 1024;

    private Task _copy = Task.CompletedTask;
    private byte[]? _kept;
    private int _keptLength;
    private bool _keeping;
    private bool _ended;
    private bool _stopping;
    private long _received;

    /// <summary>Bytes taken from the client.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Why no more could be read from the client; null while that is not so.</summary>
    public Exception? ClientFailure { get; private set; }

    /// <summary>True while nothing that was sent is lost to another try.</summary>
    public bool CanReplay => _keeping || _received == 0;

    public IReadOnlyList<MirrorBody> Mirrors { get; init; } = [];

    /// <summary>Counts the messages that go by; null when they are none of gRPC's.</summary>
    public GrpcMessageCounter? Messages { get; init; }

    /// <summary>Called whenever something came from the client.</summary>
    public Action? OnActivity { get; init; }

    /// <summary>Keeps what goes by from now on. Call it before the first try.</summary>
    public void KeepForReplay() => _keeping = true;

    /// <summary>Called when no retry can follow any more: an endless upload should not pin 64 KiB.</summary>
    public void StopKeeping() => _keeping = false;

    /// <summary>Ends a copy that is still going on, and waits for its end: then the body may be sent to another backend.</summary>
    public async Task StopAsync()
    {
        if (!_copy.IsCompleted)
        {
            _stopping = true;
            reader.CancelPendingRead();
            await _copy.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stopping = false;
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        _copy = CopyAsync(stream, cancellationToken);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _kept is { } kept)
        {
            _kept = null;
            ArrayPool<byte>.Shared.Return(kept);
        }

        base.Dispose(disposing);
    }

    private async Task CopyAsync(Stream stream, CancellationToken cancellationToken)
    {
        if (_received > 0)
        {
            if (!CanReplay)
            {
                throw new IOException("The body is too large to be sent again.");
            }

            await stream.WriteAsync(_kept.AsMemory(0, _keptLength), cancellationToken).ConfigureAwait(false);
        }

        while (!_ended && !_stopping)
        {
            var part = await ReadAsync(stream, cancellationToken).ConfigureAwait(false);
            try
            {
                // Kept before it is written: a write that fails half-way leaves nothing behind that another try would miss or repeat.
                Take(part);
                foreach (var segment in part.Buffer)
                {
                    await stream.WriteAsync(segment, cancellationToken).ConfigureAwait(false);
                }
            }
            finally
            {
                reader.AdvanceTo(part.Buffer.End);
            }
        }

        if (!_ended)
        {
            throw new OperationCanceledException("The try that this body belongs to is over.");
        }
    }

    private async ValueTask<ReadResult> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        try
        {
            if (reader.TryRead(out var ready))
            {
                return ready;
            }
        }
        catch (Exception e)
        {
            ClientFailure = e;
            throw;
        }

        // Whatever came so far (at first the head) must not wait for what comes next: that is what makes gRPC and uploads stream.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            ClientFailure = e;
            throw;
        }
    }

    private void Take(ReadResult part)
    {
        foreach (var segment in part.Buffer)
        {
            if (_keeping)
            {
                Keep(segment.Span);
            }

            Messages?.Read(segment.Span);
            foreach (var mirror in Mirrors)
            {
                mirror.Offer(segment);
            }
        }

        Volatile.Write(ref _received, _received + part.Buffer.Length);
        OnActivity?.Invoke();
        if (part.IsCompleted)
        {
            _ended = true;
            foreach (var mirror in Mirrors)
            {
                mirror.End();
            }

            onEnd();
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        var length = _keptLength + bytes.Length;
        if (length > ReplayLimit)
        {
            _keeping = false;
            return;
        }

        if (_kept is null || _kept.Length < length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Min(ReplayLimit, Math.Max(4096, length * 2)));
            if (_kept is { } smaller)
            {
                smaller.AsSpan(0, _keptLength).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(smaller);
            }

            _kept = larger;
        }

        bytes.CopyTo(_kept.AsSpan(_keptLength));
        _keptLength = length;
    }
}
