using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;

namespace Waypoint.Proxy.Hbone.Outbound;

internal sealed partial class TunnelSession
{
    private readonly ArrayBufferWriter<byte> _headerBlock = new(256);
    private FrameHeader? _openHeaders;
    private bool _hasSettings;

    private async Task ReadLoopAsync()
    {
        var buffer = new byte[BufferSize];
        var length = 0;
        while (true)
        {
            var received = await _transport.ReadAsync(buffer.AsMemory(length), _over.Token).ConfigureAwait(false);
            if (received == 0)
            {
                return;
            }

            length += received;
            lock (_gate)
            {
                _lastReceivedAt = Stopwatch.GetTimestamp();
            }

            var read = ReadFrames(buffer.AsSpan(0, length));
            buffer.AsSpan(read, length - read).CopyTo(buffer);
            length -= read;
        }
    }

    private int ReadFrames(ReadOnlySpan<byte> bytes)
    {
        var read = 0;
        while (bytes.Length - read >= FrameHeader.Size)
        {
            var header = FrameHeader.Read(bytes[read..]);
            if (header.Length > DefaultFrameSize)
            {
                throw new Http2ProtocolException(Http2Error.FrameSize, $"a frame of {header.Length} bytes");
            }

            if (bytes.Length - read < FrameHeader.Size + header.Length)
            {
                break;
            }

            Read(header, bytes.Slice(read + FrameHeader.Size, header.Length));
            read += FrameHeader.Size + header.Length;
        }

        return read;
    }

    private void Read(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        // RFC 9113, section 3.4: the server's preface is a SETTINGS frame.
        if (!_hasSettings && (header.Type != FrameType.Settings || header.Has(FrameHeader.Acknowledgement)))
        {
            throw Broken("the first frame is not SETTINGS");
        }

        // Section 4.3: nothing may come between the frames of a header block.
        if (_openHeaders is { } open && (header.Type != FrameType.Continuation || header.StreamId != open.StreamId))
        {
            throw Broken("a frame inside a header block");
        }

        switch (header.Type)
        {
            case FrameType.Data:
                ReadData(header, payload);
                break;
            case FrameType.Headers:
                ReadHeaders(header, Unpadded(header, payload));
                break;
            case FrameType.Continuation:
                ReadContinuation(header, payload);
                break;
            case FrameType.ResetStream:
                ReadReset(header, payload);
                break;
            case FrameType.Settings:
                ReadSettings(header, payload);
                break;
            case FrameType.Ping:
                ReadPing(header, payload);
                break;
            case FrameType.GoAway:
                ReadGoAway(header, payload);
                break;
            case FrameType.WindowUpdate:
                ReadWindowUpdate(header, payload);
                break;
            case FrameType.PushPromise:
                throw Broken("PUSH_PROMISE, which SETTINGS forbid");
            case FrameType.Priority:
            default:
                // Section 5.5: what is unknown is ignored.
                break;
        }
    }

    private void ReadData(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        var data = Unpadded(header, payload);
        lock (_gate)
        {
            _receiveWindow -= payload.Length;
            if (_receiveWindow < 0)
            {
                throw new Http2ProtocolException(Http2Error.FlowControl, "more than the connection's window");
            }

            if (StreamOf(header) is not { } stream)
            {
                Grant(payload.Length);
                return;
            }

            stream.ReceiveWindow -= payload.Length;
            if (stream.ReceiveWindow < 0)
            {
                WriteReset(stream.Id, Http2Error.FlowControl);
                Grant(payload.Length);
                Close(stream, new IOException("The peer sent more than the stream's window."));
                return;
            }

            if (stream.EndReceived || !stream.Status.Task.IsCompleted)
            {
                throw Broken("DATA before the answer or after the end");
            }

            var padding = payload.Length - data.Length;
            if (stream.AbandonedAt is not null)
            {
                Grant(payload.Length);
            }
            else
            {
                Grant(padding);
                stream.Credit += padding;
                stream.Unread += data.Length;
                stream.Received.Writer.Write(data);

                // Completes at once: the pipe has no limit, the windows have.
                var flush = stream.Received.Writer.FlushAsync();
                Debug.Assert(flush.IsCompleted);
            }

            if (header.Has(FrameHeader.EndStream))
            {
                EndReceived(stream);
            }
        }
    }

    private void ReadHeaders(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.StreamId == 0)
        {
            throw Broken("HEADERS on stream 0");
        }

        if (header.Has(FrameHeader.HasPriority))
        {
            payload = payload.Length >= 5 ? payload[5..] : throw new Http2ProtocolException(Http2Error.FrameSize, "HEADERS without its priority");
        }

        if (header.Has(FrameHeader.EndHeaders))
        {
            Answered(header, payload);
            return;
        }

        _openHeaders = header;
        _headerBlock.ResetWrittenCount();
        _headerBlock.Write(payload);
    }

    private void ReadContinuation(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        var open = _openHeaders ?? throw Broken("CONTINUATION without HEADERS");
        _headerBlock.Write(payload);
        if (_headerBlock.WrittenCount > LongestHeaderBlock)
        {
            throw Broken("a header block without an end");
        }

        if (header.Has(FrameHeader.EndHeaders))
        {
            _openHeaders = null;
            Answered(open, _headerBlock.WrittenSpan);
        }
    }

    private void Answered(FrameHeader header, ReadOnlySpan<byte> block)
    {
        var status = Hpack.ReadStatus(block);
        lock (_gate)
        {
            if (StreamOf(header) is not { } stream)
            {
                return;
            }

            if (!stream.Status.Task.IsCompleted)
            {
                if (status is >= 100 and < 200)
                {
                    return;
                }

                if (status == 0)
                {
                    throw Broken("an answer without :status");
                }

                stream.Status.TrySetResult(status);
            }
            else if (!header.Has(FrameHeader.EndStream))
            {
                throw Broken("trailers that are not the end");
            }

            if (header.Has(FrameHeader.EndStream))
            {
                EndReceived(stream);
            }
        }
    }

    // Under the lock.
    private void EndReceived(OutboundStream stream)
    {
        stream.EndReceived = true;
        stream.Received.Writer.Complete();
        CloseWhenBothEnded(stream);
    }

    private void ReadReset(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        var error = (Http2Error)Number(header, payload);
        lock (_gate)
        {
            if (StreamOf(header) is { } stream)
            {
                // Section 8.1: after a whole answer NO_ERROR only says that no more of the request is wanted.
                Close(stream, new TunnelException($"hbone_stream_reset_{(uint)error}") { IsUntouched = error == Http2Error.RefusedStream });
            }
        }
    }

    private void ReadSettings(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        _hasSettings = true;
        if (header.StreamId != 0 || payload.Length % 6 != 0)
        {
            throw new Http2ProtocolException(Http2Error.FrameSize, "SETTINGS of a wrong form");
        }

        if (header.Has(FrameHeader.Acknowledgement))
        {
            return;
        }

        lock (_gate)
        {
            for (; !payload.IsEmpty; payload = payload[6..])
            {
                Apply(BinaryPrimitives.ReadUInt16BigEndian(payload), BinaryPrimitives.ReadUInt32BigEndian(payload[2..]));
            }

            WriteFrame(FrameType.Settings, FrameHeader.Acknowledgement, 0, []);
            Wake();
        }
    }

    // Under the lock.
    private void Apply(ushort setting, uint value)
    {
        switch (setting)
        {
            case 0x3:
                _peerMaxStreams = (int)Math.Min(value, (uint)_settings.MaxStreams);
                break;
            case 0x4 when value > int.MaxValue:
                throw new Http2ProtocolException(Http2Error.FlowControl, "a window of more than 2^31-1");
            case 0x4:
                // Section 6.9.2: it changes the windows of open streams too, below zero if need be.
                foreach (var stream in _streams.Values)
                {
                    stream.SendWindow += value - _peerStreamWindow;
                    if (stream.SendWindow > int.MaxValue)
                    {
                        throw new Http2ProtocolException(Http2Error.FlowControl, "a window of more than 2^31-1");
                    }

                    QueueIfPending(stream);
                }

                _peerStreamWindow = value;
                break;
        }
    }

    private void ReadPing(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.StreamId != 0 || payload.Length != 8)
        {
            throw new Http2ProtocolException(Http2Error.FrameSize, "PING of a wrong form");
        }

        lock (_gate)
        {
            if (header.Has(FrameHeader.Acknowledgement))
            {
                _pingSentAt = null;
                return;
            }

            WriteFrame(FrameType.Ping, FrameHeader.Acknowledgement, 0, payload);
            Wake();
        }
    }

    private void ReadGoAway(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.StreamId != 0 || payload.Length < 8)
        {
            throw new Http2ProtocolException(Http2Error.FrameSize, "GOAWAY of a wrong form");
        }

        var last = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
        lock (_gate)
        {
            _isLeaving = true;
            foreach (var stream in _streams.Values.Where(stream => stream.Id > last).ToArray())
            {
                Close(stream, new TunnelException("hbone_goaway") { IsUntouched = true });
            }

            CloseWhenIdle();
        }

        _ended(this);
    }

    private void ReadWindowUpdate(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        var increment = Number(header, payload) & int.MaxValue;
        lock (_gate)
        {
            if (header.StreamId == 0)
            {
                _sendWindow += increment;
                if (increment == 0 || _sendWindow > int.MaxValue)
                {
                    throw new Http2ProtocolException(Http2Error.FlowControl, "a window that grows by nothing or too much");
                }

                Wake();
                return;
            }

            if (StreamOf(header) is not { } stream)
            {
                return;
            }

            stream.SendWindow += increment;
            if (increment == 0 || stream.SendWindow > int.MaxValue)
            {
                WriteReset(stream.Id, Http2Error.FlowControl);
                Close(stream, new IOException("The peer's window grew by nothing or too much."));
                return;
            }

            QueueIfPending(stream);
        }
    }

    // Under the lock.
    private void QueueIfPending(OutboundStream stream)
    {
        if (!stream.Pending.IsEmpty)
        {
            Queue(stream);
        }
    }

    /// <summary>Under the lock. Null for a stream that is over: frames of it may still be on the way.</summary>
    private OutboundStream? StreamOf(FrameHeader header)
    {
        if (header.StreamId == 0 || header.StreamId % 2 == 0 || header.StreamId >= _nextId)
        {
            throw Broken($"{header.Type} on stream {header.StreamId}");
        }

        return _streams.GetValueOrDefault(header.StreamId);
    }

    private static uint Number(FrameHeader header, ReadOnlySpan<byte> payload) => payload.Length == 4
        ? BinaryPrimitives.ReadUInt32BigEndian(payload)
        : throw new Http2ProtocolException(Http2Error.FrameSize, $"{header.Type} of {payload.Length} bytes");

    private static ReadOnlySpan<byte> Unpadded(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (!header.Has(FrameHeader.Padded))
        {
            return payload;
        }

        return payload.Length > 0 && payload[0] < payload.Length ? payload[1..^payload[0]] : throw Broken("more padding than payload");
    }

    private static Http2ProtocolException Broken(string what) => new(Http2Error.Protocol, what);
}
