using System.Buffers;
using System.Diagnostics;

namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>
/// The client's side of one HTTP/2 connection that carries CONNECT streams (RFC 9113). One loop reads and never waits for a write, so two of these
/// cannot stall each other; one loop writes what the streams have ready, each in turn, as far as the peer's windows go.
/// </summary>
internal sealed partial class TunnelSession : IAsyncDisposable
{
    public const int StreamWindow = 4 << 20;
    public const int ConnectionWindow = 16 << 20;
    private const int DefaultWindow = 65_535;
    private const int DefaultFrameSize = 16_384;
    private const int BufferSize = 64 * 1024;
    private const int LongestHeaderBlock = 64 * 1024;

    // The peer learns of read bytes in lots, not one by one.
    private const int StreamLot = StreamWindow / 4, ConnectionLot = ConnectionWindow / 4;

    private readonly Lock _gate = new();
    private readonly Stream _transport;
    private readonly TunnelSessionSettings _settings;
    private readonly Action<TunnelSession> _ended;
    private readonly Dictionary<int, OutboundStream> _streams = [];
    private readonly Queue<OutboundStream> _ready = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _over = new();
    private ArrayBufferWriter<byte> _control = new(256);
    private ArrayBufferWriter<byte> _spareControl = new(256);
    private int _nextId = 1;
    private int _peerMaxStreams;
    private long _peerStreamWindow = DefaultWindow;
    private long _sendWindow = DefaultWindow;
    private long _receiveWindow = ConnectionWindow;
    private int _credit;
    private bool _isLeaving;
    private bool _isClosed;
    private long _lastReceivedAt = Stopwatch.GetTimestamp();
    private long _idleSince = Stopwatch.GetTimestamp();
    private long? _pingSentAt;

    /// <param name="transport">The encrypted connection; the session closes it.</param>
    /// <param name="settings">Limits and times.</param>
    /// <param name="ended">Called once, when no stream can be opened any more.</param>
    public TunnelSession(Stream transport, TunnelSessionSettings settings, Action<TunnelSession> ended)
    {
        _transport = transport;
        _settings = settings;
        _ended = ended;
        _peerMaxStreams = settings.MaxStreams;
        _control.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        WriteSettings();
        WriteWindowUpdate(0, ConnectionWindow - DefaultWindow);
    }

    /// <summary>Streams that are open.</summary>
    public int Streams
    {
        get
        {
            lock (_gate)
            {
                return _streams.Count;
            }
        }
    }

    /// <summary>Speaks until the connection ends; never throws.</summary>
    public async Task RunAsync()
    {
        Wake();
        var writing = WriteLoopAsync();
        var watching = WatchAsync();
        try
        {
            await ReadLoopAsync().ConfigureAwait(false);
            Fail(new TunnelException("hbone_connection_ended"));
        }
        catch (Http2ProtocolException e)
        {
            await SayGoodbyeAsync(e.Error, writing).ConfigureAwait(false);
            Fail(new TunnelException("hbone_protocol_error", e));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            Fail(new TunnelException("hbone_connection_failed", e));
        }

        await writing.ConfigureAwait(false);
        await watching.ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Begins a stream; null when the connection has as many as it may, or is on its way out.</summary>
    /// <param name="block">From <see cref="Hpack.Connect"/>.</param>
    public OutboundStream? TryOpen(ReadOnlySpan<byte> block)
    {
        lock (_gate)
        {
            if (_isLeaving || _isClosed || _streams.Count >= _peerMaxStreams)
            {
                return null;
            }

            var stream = new OutboundStream(this, _nextId, _peerStreamWindow);
            _nextId += 2;
            if (_nextId >= int.MaxValue - 2)
            {
                _isLeaving = true;
            }

            _streams.Add(stream.Id, stream);
            WriteFrame(FrameType.Headers, FrameHeader.EndHeaders, stream.Id, block);
            Wake();
            return stream;
        }
    }

    /// <summary>Sends on a stream; one write of it at a time.</summary>
    public ValueTask WriteAsync(OutboundStream stream, ReadOnlyMemory<byte> bytes)
    {
        lock (_gate)
        {
            if (stream.IsClosed || stream.EndRequested)
            {
                throw new IOException("The stream is over.");
            }

            if (bytes.IsEmpty)
            {
                return ValueTask.CompletedTask;
            }

            var writing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            (stream.Pending, stream.Writing) = (bytes, writing);
            Queue(stream);
            return new ValueTask(writing.Task);
        }
    }

    /// <summary>
    /// No more will be written. Whoever ends a stream before its last write is done has given up, and the bytes are its own again: the stream is reset.
    /// </summary>
    public void End(OutboundStream stream)
    {
        lock (_gate)
        {
            if (stream.Writing is not null)
            {
                Reset(stream, Http2Error.Cancel);
            }
            else if (!stream.IsClosed && !stream.EndRequested)
            {
                stream.EndRequested = true;
                Queue(stream);
            }
        }
    }

    public void Reset(OutboundStream stream, Http2Error error)
    {
        lock (_gate)
        {
            if (!stream.IsClosed)
            {
                WriteReset(stream.Id, error);
                Close(stream, new IOException("The stream was reset."));
            }
        }
    }

    /// <summary>Bytes of a stream were read: the peer may send as many more.</summary>
    public void Consumed(OutboundStream stream, int count)
    {
        lock (_gate)
        {
            // Less when the stream broke or was abandoned meanwhile: its bytes are accounted for then.
            var counted = Math.Min(count, stream.Unread);
            stream.Unread -= counted;
            Grant(counted);
            stream.Credit += counted;
            if (stream.Credit >= StreamLot && !stream.EndReceived && !stream.IsClosed)
            {
                WriteWindowUpdate(stream.Id, stream.Credit);
                stream.ReceiveWindow += stream.Credit;
                stream.Credit = 0;
            }
        }
    }

    /// <summary>Nobody reads the stream any more. It ends in peace if the peer ends it soon.</summary>
    public void Abandon(OutboundStream stream)
    {
        lock (_gate)
        {
            if (stream.AbandonedAt is null)
            {
                stream.AbandonedAt = Stopwatch.GetTimestamp();
                Grant(stream.Unread);
                stream.Unread = 0;
            }
        }
    }

    /// <summary>Opens no more streams; the connection closes when those that are open have ended.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            _isLeaving = true;
            CloseWhenIdle();
        }

        _ended(this);
    }

    public ValueTask DisposeAsync()
    {
        Fail(new TunnelException("hbone_connection_closed"));
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends everything; the first reason counts.</summary>
    private void Fail(TunnelException reason)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            foreach (var stream in _streams.Values.ToArray())
            {
                Close(stream, reason);
            }

            Wake();
        }

        _over.Cancel();
        _ended(this);
    }

    // Under the lock.
    private void Close(OutboundStream stream, Exception? failure)
    {
        stream.IsClosed = true;
        _streams.Remove(stream.Id);
        if (failure is not null)
        {
            stream.Status.TrySetException(failure as TunnelException ?? new TunnelException("hbone_stream_reset", failure));
            stream.Writing?.TrySetException(failure);
            stream.Received.Writer.Complete(failure);
            Grant(stream.Unread);
            stream.Unread = 0;
        }

        stream.Writing = null;
        stream.Pending = default;
        if (_streams.Count == 0)
        {
            _idleSince = Stopwatch.GetTimestamp();
        }

        CloseWhenIdle();
    }

    // Under the lock.
    private void CloseWhenIdle()
    {
        if (_isLeaving && _streams.Count == 0 && !_isClosed)
        {
            _isClosed = true;
            WriteGoAway(Http2Error.None);
            _over.CancelAfter(_settings.FarewellTime);
            Wake();
        }
    }

    // Under the lock.
    private void CloseWhenBothEnded(OutboundStream stream)
    {
        if (stream is { EndSent: true, EndReceived: true, IsClosed: false })
        {
            Close(stream, null);
        }
    }

    // Under the lock.
    private void Grant(int count)
    {
        _credit += count;
        if (_credit >= ConnectionLot)
        {
            WriteWindowUpdate(0, _credit);
            _receiveWindow += _credit;
            _credit = 0;
        }
    }

    /// <summary>Pings a silent peer, leaves an idle connection, resets streams that nobody wants.</summary>
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(_settings.WatchPeriod);
        try
        {
            while (await timer.WaitForNextTickAsync(_over.Token).ConfigureAwait(false))
            {
                Watch();
            }
        }
        catch (OperationCanceledException)
        {
            // The connection is over.
        }
    }

    private void Watch()
    {
        var mustFail = false;
        var mustLeave = false;
        lock (_gate)
        {
            foreach (var stream in _streams.Values.Where(s => s.AbandonedAt is { } at && Stopwatch.GetElapsedTime(at) >= _settings.AbandonTime).ToArray())
            {
                WriteReset(stream.Id, Http2Error.Cancel);
                Close(stream, new IOException("The stream was reset."));
            }

            if (_pingSentAt is { } sent)
            {
                mustFail = Stopwatch.GetElapsedTime(sent) >= _settings.PingTimeout;
            }
            else if (Stopwatch.GetElapsedTime(_lastReceivedAt) >= _settings.PingDelay)
            {
                _pingSentAt = Stopwatch.GetTimestamp();
                WriteFrame(FrameType.Ping, 0, 0, "waypoint"u8);
                Wake();
            }

            mustLeave = _streams.Count == 0 && !_isLeaving && Stopwatch.GetElapsedTime(_idleSince) >= _settings.IdleTime;
        }

        if (mustFail)
        {
            Fail(new TunnelException("hbone_ping_timeout"));
        }
        else if (mustLeave)
        {
            Leave();
        }
    }

    private async Task SayGoodbyeAsync(Http2Error error, Task writing)
    {
        lock (_gate)
        {
            _isLeaving = true;
            WriteGoAway(error);
            _over.CancelAfter(_settings.FarewellTime);
            _isSilent = true;
            Wake();
        }

        await writing.ConfigureAwait(false);
    }
}

/// <summary>The limits and times of a session; only tests change them.</summary>
internal sealed record TunnelSessionSettings
{
    /// <summary>Streams on one connection, as ztunnel has them; fewer when the peer says so.</summary>
    public int MaxStreams { get; init; } = 100;

    public TimeSpan PingDelay { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>A connection without streams is closed after so long.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long the peer has to end a stream that nobody reads any more.</summary>
    public TimeSpan AbandonTime { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan FarewellTime { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan WatchPeriod { get; init; } = TimeSpan.FromSeconds(1);
}
