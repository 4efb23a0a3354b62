using System.Buffers.Binary;

namespace Waypoint.Proxy.Forwarding;

/// <summary>Counts the messages in one direction of a gRPC call as its bytes go by: each is led by a flag and its length in four bytes.</summary>
internal sealed class GrpcMessageCounter
{
    private const int PrefixLength = 5;

    private readonly byte[] _prefix = new byte[PrefixLength];
    private int _prefixRead;
    private long _messageLeft;
    private long _count;

    /// <summary>Messages that have begun.</summary>
    public long Count => Volatile.Read(ref _count);

    public void Read(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_messageLeft > 0)
            {
                var skipped = (int)Math.Min(_messageLeft, bytes.Length);
                _messageLeft -= skipped;
                bytes = bytes[skipped..];
                continue;
            }

            var taken = Math.Min(PrefixLength - _prefixRead, bytes.Length);
            bytes[..taken].CopyTo(_prefix.AsSpan(_prefixRead));
            _prefixRead += taken;
            bytes = bytes[taken..];
            if (_prefixRead == PrefixLength)
            {
                _prefixRead = 0;
                _messageLeft = BinaryPrimitives.ReadUInt32BigEndian(_prefix.AsSpan(1));
                Volatile.Write(ref _count, _count + 1);
            }
        }
    }
}
