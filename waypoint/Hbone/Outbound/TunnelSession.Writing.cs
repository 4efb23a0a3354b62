using System.Buffers;
using System.Buffers.Binary;

namespace Waypoint.Proxy.Hbone.Outbound;

internal sealed partial class TunnelSession
{
    private bool _isSilent;

    private async Task WriteLoopAsync()
    {
        var buffer = new byte[BufferSize];
        try
        {
            while (true)
            {
                await _wake.WaitAsync(_over.Token).ConfigureAwait(false);
                bool isLast;
                do
                {
                    ArrayBufferWriter<byte> control;
                    int length;
                    lock (_gate)
                    {
                        control = TakeControl();
                        length = _isSilent ? 0 : CollectData(buffer);
                        isLast = _isClosed || _isSilent;
                    }

                    if (control.WrittenCount > 0)
                    {
                        await _transport.WriteAsync(control.WrittenMemory, _over.Token).ConfigureAwait(false);
                    }

                    if (length > 0)
                    {
                        await _transport.WriteAsync(buffer.AsMemory(0, length), _over.Token).ConfigureAwait(false);
                        continue;
                    }

                    break;
                }
                while (true);

                if (isLast)
                {
                    await _over.CancelAsync().ConfigureAwait(false);
                    return;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            Fail(new TunnelException("hbone_connection_failed", e));
        }
    }

    // Under the lock. The two buffers change places, so that writing goes on while the next frames gather.
    private ArrayBufferWriter<byte> TakeControl()
    {
        var taken = _control;
        _spareControl.ResetWrittenCount();
        (_control, _spareControl) = (_spareControl, taken);
        return taken;
    }

    /// <summary>Under the lock. A frame of each ready stream in turn, until the buffer or the connection's window is full.</summary>
    private int CollectData(Span<byte> buffer)
    {
        var length = 0;
        while (buffer.Length - length > FrameHeader.Size && _ready.TryPeek(out var stream))
        {
            var window = Math.Max(0, Math.Min(stream.SendWindow, _sendWindow));
            var most = (int)Math.Min(Math.Min(stream.Pending.Length, DefaultFrameSize), Math.Min(window, buffer.Length - length - FrameHeader.Size));
            var isEnd = stream.EndRequested && most == stream.Pending.Length && !stream.EndSent;
            if (most == 0 && !isEnd && !stream.IsClosed && !stream.Pending.IsEmpty && stream.SendWindow > 0)
            {
                // The connection's window is used up: nobody can send, and the stream keeps its place.
                break;
            }

            _ready.Dequeue();
            stream.IsQueued = false;
            if (stream.IsClosed || (most == 0 && !isEnd))
            {
                continue;
            }

            new FrameHeader(most, FrameType.Data, isEnd ? FrameHeader.EndStream : (byte)0, stream.Id).Write(buffer[length..]);
            stream.Pending.Span[..most].CopyTo(buffer[(length + FrameHeader.Size)..]);
            length += FrameHeader.Size + most;
            Sent(stream, most, isEnd);
        }

        return length;
    }

    // Under the lock.
    private void Sent(OutboundStream stream, int count, bool isEnd)
    {
        stream.Pending = stream.Pending[count..];
        stream.SendWindow -= count;
        _sendWindow -= count;
        if (stream.Pending.IsEmpty)
        {
            stream.Writing?.TrySetResult();
            stream.Writing = null;
        }
        else
        {
            Queue(stream);
        }

        if (isEnd)
        {
            stream.EndSent = true;
            CloseWhenBothEnded(stream);
        }
    }

    // Under the lock.
    private void Queue(OutboundStream stream)
    {
        if (!stream.IsQueued)
        {
            stream.IsQueued = true;
            _ready.Enqueue(stream);
        }

        Wake();
    }

    // Under the lock, so that the count is what it looks like.
    private void Wake()
    {
        lock (_gate)
        {
            if (_wake.CurrentCount == 0)
            {
                _wake.Release();
            }
        }
    }

    private void WriteSettings()
    {
        // No dynamic table for the peer, no pushes, our window.
        ReadOnlySpan<(ushort Id, int Value)> settings = [(0x1, 0), (0x2, 0), (0x4, StreamWindow), (0x6, LongestHeaderBlock)];
        Span<byte> payload = stackalloc byte[settings.Length * 6];
        for (var i = 0; i < settings.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload[(i * 6)..], settings[i].Id);
            BinaryPrimitives.WriteInt32BigEndian(payload[((i * 6) + 2)..], settings[i].Value);
        }

        WriteFrame(FrameType.Settings, 0, 0, payload);
    }

    private void WriteWindowUpdate(int stream, int increment) => WriteNumber(FrameType.WindowUpdate, stream, (uint)increment);

    private void WriteReset(int stream, Http2Error error) => WriteNumber(FrameType.ResetStream, stream, (uint)error);

    private void WriteGoAway(Http2Error error)
    {
        // The peer opens no streams, so the last one of its that was seen is none.
        Span<byte> payload = stackalloc byte[8];
        payload.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(payload[4..], (uint)error);
        WriteFrame(FrameType.GoAway, 0, 0, payload);
    }

    private void WriteNumber(FrameType type, int stream, uint number)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, number);
        WriteFrame(type, 0, stream, payload);
        Wake();
    }

    private void WriteFrame(FrameType type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        new FrameHeader(payload.Length, type, flags, stream).Write(_control.GetSpan(FrameHeader.Size));
        _control.Advance(FrameHeader.Size);
        _control.Write(payload);
    }
}
