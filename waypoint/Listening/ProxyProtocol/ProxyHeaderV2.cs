using System.Buffers.Binary;
using System.Net;
using System.Numerics;
using System.Text;
using System.Text.Unicode;
using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Listening.ProxyProtocol;

/// <summary>Version 2: a signature of twelve bytes, version and command, family and transport, a length, addresses, then TLVs.</summary>
internal static class ProxyHeaderV2
{
    private const int FixedLength = 16;
    private const int Version = 2, Local = 0, Proxy = 1;
    private const byte Unspecified = 0x00, TcpOverV4 = 0x11, TcpOverV6 = 0x21;
    private const byte ChecksumType = 0x03, PrincipalType = 0xD0;
    private const int TlvHead = 3, ChecksumLength = 4;

    public static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    public static ProxyHeaderResult Parse(ReadOnlySpan<byte> bytes)
    {
        // What is there already may condemn the header: no need to wait for the rest.
        if (bytes.Length > 12 && bytes[12] >> 4 != Version)
        {
            return ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderVersion);
        }

        if (bytes.Length > 12 && (bytes[12] & 0x0f) is not (Local or Proxy))
        {
            return ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderCommand);
        }

        if (bytes.Length < FixedLength)
        {
            return ProxyHeaderResult.Incomplete;
        }

        var length = FixedLength + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        if (length > ProxyHeaderParser.MaximumLength)
        {
            return ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderTooLong);
        }

        var isLocal = (bytes[12] & 0x0f) == Local;
        var family = bytes[13];
        if (!isLocal && family is not (Unspecified or TcpOverV4 or TcpOverV6))
        {
            return ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderFamily);
        }

        if (bytes.Length < length)
        {
            return ProxyHeaderResult.Incomplete;
        }

        // A LOCAL or UNSPEC header is skipped whole, whatever it holds.
        return isLocal || family == Unspecified
            ? ProxyHeaderResult.Complete(new ProxyHeader { Length = length })
            : ReadAddresses(bytes[..length], family == TcpOverV4 ? 4 : 16);
    }

    private static ProxyHeaderResult ReadAddresses(ReadOnlySpan<byte> header, int addressLength)
    {
        var body = header[FixedLength..];
        var ports = 2 * addressLength;
        if (body.Length < ports + 4)
        {
            return ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderLength);
        }

        var source = EndPoint(body[..addressLength], body[ports..]);
        var destination = EndPoint(body[addressLength..ports], body[(ports + 2)..]);
        return ReadTlvs(header, FixedLength + ports + 4, source, destination);
    }

    private static ProxyHeaderResult ReadTlvs(ReadOnlySpan<byte> header, int offset, IPEndPoint source, IPEndPoint destination)
    {
        string? principal = null;
        var checksumAt = -1;
        while (offset < header.Length)
        {
            var room = header.Length - offset - TlvHead;
            var length = room < 0 ? int.MaxValue : BinaryPrimitives.ReadUInt16BigEndian(header[(offset + 1)..]);
            if (length > room)
            {
                return ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderTlv);
            }

            var value = header.Slice(offset + TlvHead, length);
            switch (header[offset])
            {
                case ChecksumType when length != ChecksumLength || checksumAt >= 0:
                case PrincipalType when principal is not null || !Utf8.IsValid(value):
                    return ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderTlv);
                case ChecksumType:
                    checksumAt = offset + TlvHead;
                    break;
                case PrincipalType:
                    principal = Encoding.UTF8.GetString(value);
                    break;
                default:
                    break;
            }

            offset += TlvHead + length;
        }

        if (checksumAt >= 0 && Checksum(header, checksumAt) != BinaryPrimitives.ReadUInt32BigEndian(header[checksumAt..]))
        {
            return ProxyHeaderResult.Malformed(RejectionReason.ProxyHeaderChecksum);
        }

        return ProxyHeaderResult.Complete(new ProxyHeader
        {
            Length = header.Length,
            Source = source,
            Destination = destination,
            Principal = principal,
        });
    }

    /// <summary>CRC32c (RFC 4960 appendix B) over the whole header, the checksum's own four bytes taken as zero.</summary>
    private static uint Checksum(ReadOnlySpan<byte> header, int zeroedAt)
    {
        var crc = uint.MaxValue;
        for (var i = 0; i < header.Length; i++)
        {
            var isZeroed = i >= zeroedAt && i < zeroedAt + ChecksumLength;
            crc = BitOperations.Crc32C(crc, isZeroed ? (byte)0 : header[i]);
        }

        return ~crc;
    }

    private static IPEndPoint EndPoint(ReadOnlySpan<byte> address, ReadOnlySpan<byte> port) =>
        SocketAddressing.Normalise(new IPEndPoint(new IPAddress(address), BinaryPrimitives.ReadUInt16BigEndian(port)));
}
