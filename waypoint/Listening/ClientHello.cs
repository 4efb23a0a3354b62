using System.Buffers.Binary;
using System.Text;

namespace Waypoint.Proxy.Listening;

/// <summary>What the beginning of a stream says about the server that its TLS asks for.</summary>
/// <param name="IsComplete">False while more bytes are needed to tell.</param>
/// <param name="ServerName">In lower case; empty when there is no TLS, or no name in it.</param>
internal readonly record struct ClientHelloName(bool IsComplete, string ServerName)
{
    public static ClientHelloName None { get; } = new(true, "");
}

/// <summary>
/// Reads the server name indication (RFC 6066 section 3) of a ClientHello (RFC 8446 section 4.1.2), which may be cut into several records. What is
/// not well-formed has no name.
/// </summary>
internal static class ClientHello
{
    /// <summary>The longest that is looked at, in bytes; with keys against quantum computers some 1,800 are usual.</summary>
    public const int MaximumLength = 16 * 1024;

    private const byte Handshake = 22;
    private const byte Hello = 1;
    private const ushort ServerNameExtension = 0;
    private const int RecordHeader = 5;

    /// <param name="bytes">What has come; when there are <see cref="MaximumLength"/> of them and still no name, there is none.</param>
    public static ClientHelloName Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 0 && bytes[0] != Handshake)
        {
            return ClientHelloName.None;
        }

        var message = new byte[Math.Min(bytes.Length, MaximumLength)];
        var length = 0;
        while (bytes.Length >= RecordHeader && bytes[0] == Handshake && bytes[1] == 3)
        {
            var size = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]), bytes.Length - RecordHeader);
            bytes.Slice(RecordHeader, size).CopyTo(message.AsSpan(length));
            length += size;
            bytes = bytes[(RecordHeader + size)..];
        }

        var hello = message.AsSpan(0, length);
        if (length >= 1 && hello[0] != Hello)
        {
            return ClientHelloName.None;
        }

        if (bytes.Length >= RecordHeader)
        {
            // What follows is no part of a handshake, so no more of the message comes.
            return length >= 4 && length >= 4 + Length(hello) ? Complete(hello) : ClientHelloName.None;
        }

        return length >= 4 && length >= 4 + Length(hello) ? Complete(hello)
            : message.Length == MaximumLength ? ClientHelloName.None
            : new ClientHelloName(false, "");
    }

    private static int Length(ReadOnlySpan<byte> hello) => (hello[1] << 16) | (hello[2] << 8) | hello[3];

    private static ClientHelloName Complete(ReadOnlySpan<byte> hello) => new(true, Name(hello.Slice(4, Length(hello))) ?? "");

    private static string? Name(ReadOnlySpan<byte> body)
    {
        // Version and random.
        if (!TrySkip(ref body, 34) || !TryTake(ref body, 1, out _) || !TryTake(ref body, 2, out _) || !TryTake(ref body, 1, out _)
            || !TryTake(ref body, 2, out var extensions))
        {
            return null;
        }

        while (extensions.Length >= 4)
        {
            var type = BinaryPrimitives.ReadUInt16BigEndian(extensions);
            extensions = extensions[2..];
            if (!TryTake(ref extensions, 2, out var content))
            {
                return null;
            }

            if (type == ServerNameExtension)
            {
                // A list of which only one entry, of type 0 (a host's name), was ever defined.
                return TryTake(ref content, 2, out var list) && TrySkip(ref list, 1) && TryTake(ref list, 2, out var name) && Ascii.IsValid(name)
                    ? Encoding.ASCII.GetString(name).ToLowerInvariant()
                    : null;
            }
        }

        return null;
    }

    private static bool TrySkip(ref ReadOnlySpan<byte> bytes, int count)
    {
        if (bytes.Length < count)
        {
            return false;
        }

        bytes = bytes[count..];
        return true;
    }

    /// <summary>Takes a vector: its length in <paramref name="lengthBytes"/> bytes, then as many.</summary>
    private static bool TryTake(ref ReadOnlySpan<byte> bytes, int lengthBytes, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (bytes.Length < lengthBytes)
        {
            return false;
        }

        var length = lengthBytes == 1 ? bytes[0] : BinaryPrimitives.ReadUInt16BigEndian(bytes);
        if (bytes.Length < lengthBytes + length)
        {
            return false;
        }

        content = bytes.Slice(lengthBytes, length);
        bytes = bytes[(lengthBytes + length)..];
        return true;
    }
}
