using System.Buffers.Binary;

namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>The frame types of RFC 9113, section 6.</summary>
internal enum FrameType : byte
{
    Data = 0,
    Headers = 1,
    Priority = 2,
    ResetStream = 3,
    Settings = 4,
    PushPromise = 5,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
}

/// <summary>The error codes of RFC 9113, section 7, as far as they are sent or told apart.</summary>
internal enum Http2Error : uint
{
    None = 0,
    Protocol = 1,
    FlowControl = 3,
    FrameSize = 6,
    RefusedStream = 7,
    Cancel = 8,
    Compression = 9,
    Connect = 10,
}

/// <summary>The nine bytes in front of every frame.</summary>
internal readonly record struct FrameHeader(int Length, FrameType Type, byte Flags, int StreamId)
{
    public const int Size = 9;
    public const byte EndStream = 0x1, Acknowledgement = 0x1, EndHeaders = 0x4, Padded = 0x8, HasPriority = 0x20;

    public bool Has(byte flag) => (Flags & flag) != 0;

    public static FrameHeader Read(ReadOnlySpan<byte> bytes) => new(
        (bytes[0] << 16) | (bytes[1] << 8) | bytes[2],
        (FrameType)bytes[3],
        bytes[4],
        BinaryPrimitives.ReadInt32BigEndian(bytes[5..]) & int.MaxValue);

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, ((uint)Length << 8) | (byte)Type);
        bytes[4] = Flags;
        BinaryPrimitives.WriteInt32BigEndian(bytes[5..], StreamId);
    }
}

/// <summary>What the peer sent breaks the protocol: the connection is over.</summary>
internal sealed class Http2ProtocolException(Http2Error error, string what) : IOException($"HTTP/2: {what}")
{
    public Http2Error Error => error;
}
