using System.Text;

namespace Waypoint.Xds.Grpc;

/// <summary>The grpc-message header: UTF-8 with everything but printable ASCII, and '%', percent-encoded.</summary>
internal static class StatusMessage
{
    /// <summary>HTTP/2 peers limit a header block, 8 KB as a rule; a status that does not arrive tells nothing.</summary>
    private const int LongestDetail = 4096;

    public static string Encode(string detail)
    {
        var text = new StringBuilder(detail.Length + 16);
        foreach (var b in Encoding.UTF8.GetBytes(detail))
        {
            if (text.Length > LongestDetail)
            {
                return text.Append("...").ToString();
            }

            if (b is >= 0x20 and <= 0x7e and not (byte)'%')
            {
                text.Append((char)b);
            }
            else
            {
                text.Append('%').Append(Digit(b >> 4)).Append(Digit(b & 15));
            }
        }

        return text.ToString();

        static char Digit(int value) => (char)(value < 10 ? '0' + value : 'A' + value - 10);
    }

    /// <summary>Keeps what is wrongly encoded as it came: a reason half readable is better than none.</summary>
    public static string Decode(string value)
    {
        if (!value.Contains('%'))
        {
            return value;
        }

        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(value.Length)];
        var length = 0;
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '%' && i + 2 < value.Length && char.IsAsciiHexDigit(value[i + 1]) && char.IsAsciiHexDigit(value[i + 2]))
            {
                bytes[length++] = Convert.ToByte(value.Substring(i + 1, 2), 16);
                i += 2;
            }
            else
            {
                length += Encoding.UTF8.GetBytes(value.AsSpan(i, 1), bytes.AsSpan(length));
            }
        }

        return Encoding.UTF8.GetString(bytes, 0, length);
    }
}
