using System.Buffers;
using System.Globalization;
using System.Text;

namespace Waypoint.Proxy.Hbone.Outbound;

/// <summary>
/// As much of HPACK (RFC 7541) as a CONNECT needs. Requests are literals that enter no table. Of answers only <c>:status</c> is read: our SETTINGS
/// leave the peer no dynamic table, so a block depends on none before it and every other field can be skipped by its length.
/// </summary>
internal static class Hpack
{
    private const int Authority = 1, Method = 2, FirstStatus = 8, LastStatus = 14, LastStatic = 61;

    // ":status" in the Huffman code of appendix B.
    private static ReadOnlySpan<byte> HuffmanStatus => [0xb8, 0x84, 0x8d, 0x36, 0xa3];

    /// <summary>The header block of a CONNECT to <paramref name="authority"/> (RFC 9113, section 8.5: neither :scheme nor :path).</summary>
    public static byte[] Connect(string authority, IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        var block = new ArrayBufferWriter<byte>(256);
        block.Write<byte>([Method]);
        WriteText(block, "CONNECT");
        block.Write<byte>([Authority]);
        WriteText(block, authority);
        foreach (var (name, value) in headers)
        {
            block.Write<byte>([0]);
            WriteText(block, name);
            WriteText(block, value);
        }

        return block.WrittenSpan.ToArray();
    }

    /// <summary>The status of an answer; 0 for a block without one: trailers.</summary>
    /// <exception cref="Http2ProtocolException">The block cannot be read.</exception>
    public static int ReadStatus(ReadOnlySpan<byte> block)
    {
        var status = 0;
        while (!block.IsEmpty)
        {
            var first = block[0];
            if ((first & 0x80) != 0)
            {
                status = Indexed(ReadInteger(ref block, 7), status);
                continue;
            }

            if ((first & 0xe0) == 0x20)
            {
                // A change of the table's size: to the 0 that it has.
                ReadInteger(ref block, 5);
                continue;
            }

            var index = ReadInteger(ref block, (first & 0x40) != 0 ? 6 : 4);
            var isStatus = index is >= FirstStatus and <= LastStatus;
            if (index == 0)
            {
                var name = ReadText(ref block, out var isHuffman);
                isStatus = name.SequenceEqual(isHuffman ? HuffmanStatus : ":status"u8);
            }
            else if (index > LastStatic)
            {
                throw Bad("an index beyond the static table");
            }

            var value = ReadText(ref block, out var isValueHuffman);
            if (isStatus)
            {
                status = isValueHuffman ? HuffmanDigits(value) : Digits(value);
            }
        }

        return status;
    }

    private static int Indexed(int index, int status) => index switch
    {
        8 => 200,
        9 => 204,
        10 => 206,
        11 => 304,
        12 => 400,
        13 => 404,
        14 => 500,
        >= 1 and <= LastStatic => status,
        _ => throw Bad("an index beyond the static table"),
    };

    private static int Digits(ReadOnlySpan<byte> text) =>
        text.Length == 3 && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? status : throw Bad("a :status that is no number");

    // 0 to 2 have codes of five bits, 00000 to 00010; 3 to 9 of six, 011001 to 011111. What is left over is filled with ones.
    private static int HuffmanDigits(ReadOnlySpan<byte> text)
    {
        var bits = 0u;
        foreach (var octet in text.Length is 2 or 3 ? text : throw Bad("a :status that is no number"))
        {
            bits = (bits << 8) | octet;
        }

        var (left, status) = (text.Length * 8, 0);
        for (var digit = 0; digit < 3; digit++)
        {
            if (left >= 5 && ((bits >> (left - 5)) & 0x1f) is var five and <= 2)
            {
                (status, left) = ((status * 10) + (int)five, left - 5);
            }
            else if (left >= 6 && ((bits >> (left - 6)) & 0x3f) is var six and >= 0x19 and <= 0x1f)
            {
                (status, left) = ((status * 10) + (int)six - 0x19 + 3, left - 6);
            }
            else
            {
                throw Bad("a :status that is no number");
            }
        }

        var padding = (1u << left) - 1;
        return left < 8 && (bits & padding) == padding ? status : throw Bad("a :status that is no number");
    }

    private static ReadOnlySpan<byte> ReadText(ref ReadOnlySpan<byte> block, out bool isHuffman)
    {
        isHuffman = !block.IsEmpty && (block[0] & 0x80) != 0;
        var length = ReadInteger(ref block, 7);
        if (length > block.Length)
        {
            throw Bad("a text that is longer than its block");
        }

        var text = block[..length];
        block = block[length..];
        return text;
    }

    /// <summary>RFC 7541, section 5.1.</summary>
    private static int ReadInteger(ref ReadOnlySpan<byte> block, int prefix)
    {
        if (block.IsEmpty)
        {
            throw Bad("a block that ends in a field");
        }

        var limit = (1 << prefix) - 1;
        var value = block[0] & limit;
        block = block[1..];
        for (var shift = 0; value >= limit; shift += 7)
        {
            // Four octets more hold every length that a header block can have.
            if (block.IsEmpty || shift > 21)
            {
                throw Bad("an integer without an end");
            }

            var octet = block[0];
            block = block[1..];
            value += (octet & 0x7f) << shift;
            if ((octet & 0x80) == 0)
            {
                break;
            }
        }

        return value;
    }

    private static void WriteText(ArrayBufferWriter<byte> block, string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        if (bytes.Length < 0x7f)
        {
            block.Write<byte>([(byte)bytes.Length]);
        }
        else
        {
            block.Write<byte>([0x7f]);
            var rest = bytes.Length - 0x7f;
            for (; rest >= 0x80; rest >>= 7)
            {
                block.Write<byte>([(byte)(rest | 0x80)]);
            }

            block.Write<byte>([(byte)rest]);
        }

        block.Write(bytes);
    }

    private static Http2ProtocolException Bad(string what) => new(Http2Error.Compression, what);
}
