using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Waypoint.Proxy.Telemetry.Formatting;

/// <summary>The bytes of a line while it is written; used again and again, so that a line costs no garbage.</summary>
internal sealed class LineBuffer : IBufferWriter<byte>
{
    [ThreadStatic]
    private static LineBuffer? t_shared;

    private byte[] _bytes = new byte[1024];

    /// <summary>An empty buffer of this thread's own. Two uses must not overlap.</summary>
    public static LineBuffer Shared
    {
        get
        {
            var buffer = t_shared ??= new LineBuffer();
            buffer.Length = 0;
            return buffer;
        }
    }

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(Length);
    }

    /// <summary>Takes back what was written after the first <paramref name="length"/> bytes.</summary>
    public void Truncate(int length) => Length = Math.Min(length, Length);

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        Length += bytes.Length;
    }

    /// <summary>Text from the configuration or from us, as UTF-8.</summary>
    public void Text(string text) => Length += Encoding.UTF8.GetBytes(text, GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length)));

    /// <summary>Text off the wire, which is held as Latin-1: the bytes that came.</summary>
    public void WireText(string text) => Length += Encoding.Latin1.GetBytes(text, GetSpan(text.Length));

    public void Format<T>(T value, ReadOnlySpan<char> format = default)
        where T : IUtf8SpanFormattable
    {
        // No number and no time of ours is longer.
        value.TryFormat(GetSpan(64), out var written, format, System.Globalization.CultureInfo.InvariantCulture);
        Length += written;
    }

    /// <summary>The address as Envoy writes it alone: without brackets.</summary>
    public void Address(IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        address.TryFormat(GetSpan(64), out var written);
        Length += written;
    }

    /// <summary>Address and port; brackets around IPv6.</summary>
    public void EndPoint(IPEndPoint address)
    {
        var isV6 = address.AddressFamily == AddressFamily.InterNetworkV6 && !address.Address.IsIPv4MappedToIPv6;
        if (isV6)
        {
            Bytes("["u8);
        }

        Address(address.Address);
        Bytes(isV6 ? "]:"u8 : ":"u8);
        Format(address.Port);
    }

    private void Reserve(int more)
    {
        more = Math.Max(more, 1);
        if (_bytes.Length - Length < more)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + more));
        }
    }
}
