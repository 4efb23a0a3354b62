using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Waypoint.Proxy.Listening.ProxyProtocol;

/// <summary>Version 1: one line of ASCII, at most 107 bytes with its CRLF.</summary>
internal static class ProxyHeaderV1
{
    private const int MaximumLength = 107;

    public static ReadOnlySpan<byte> Signature => "PROXY "u8;

    public static ProxyHeaderResult Parse(ReadOnlySpan<byte> bytes)
    {
        var line = bytes[..Math.Min(bytes.Length, MaximumLength)];
        var end = line.IndexOf("\r\n"u8);
        if (end < 0)
        {
            return bytes.Length < MaximumLength ? ProxyHeaderResult.Incomplete : ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderTooLong);
        }

        var length = end + 2;
        var fields = Encoding.Latin1.GetString(line[Signature.Length..end]).Split(' ');
        return fields[0] switch
        {
            "UNKNOWN" => ProxyHeaderResult.Complete(new ProxyHeader { Length = length }),
            "TCP4" => Addresses(fields, AddressFamily.InterNetwork, length),
            "TCP6" => Addresses(fields, AddressFamily.InterNetworkV6, length),
            _ => ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderFamily),
        };
    }

    private static ProxyHeaderResult Addresses(string[] fields, AddressFamily family, int length)
    {
        if (fields.Length == 5
            && EndPoint(fields[1], fields[3], family) is { } source
            && EndPoint(fields[2], fields[4], family) is { } destination)
        {
            return ProxyHeaderResult.Complete(new ProxyHeader { Length = length, Source = source, Destination = destination });
        }

        return ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderSyntax);
    }

    private static IPEndPoint? EndPoint(string address, string port, AddressFamily family)
    {
        // IPAddress also reads "1", "0x7f.1" and scopes; the protocol wants the canonical forms alone.
        var isCanonical = family == AddressFamily.InterNetwork ? address.Count('.') == 3 && address.All(c => c is '.' || char.IsAsciiDigit(c)) : address.All(c => c is ':' or '.' || char.IsAsciiHexDigit(c));
        return isCanonical
            && IPAddress.TryParse(address, out var parsed)
            && parsed.AddressFamily == family
            && ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? Sockets.SocketAddressing.Normalise(new IPEndPoint(parsed, number))
            : null;
    }
}
