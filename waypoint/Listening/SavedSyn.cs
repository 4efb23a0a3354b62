using System.Buffers.Binary;
using System.Net;
using Waypoint.Proxy.Sockets;

namespace Waypoint.Proxy.Listening;

/// <summary>
/// The original destination as the kernel engine writes it into the SYN (design D2.1): TCP option 254 (RFC 4727, experiments).
/// IPv4: length 10 = kind, length, magic "WP", address, port. IPv6: length 20 = kind, length, address, port; forty bytes of
/// options leave no room for a magic beside MSS, SACK, timestamps and window scale, so the length tells the two apart.
/// </summary>
internal static class SavedSyn
{
    private const byte EndOfOptions = 0, Padding = 1, DestinationKind = 254;
    private const int DestinationV4Length = 10, DestinationV6Length = 20;
    private const ushort Magic = 0x5750;
    private const byte ProtocolTcp = 6;
    private const int MinimumTcpHeader = 20, FixedHeaderV6 = 40;

    // IPv4: 60 + 60 at most. IPv6: 40 + 60 and what extension headers a client may send; more is no SYN of ours.
    private const int MaximumHeaders = 512;

    /// <summary>Reads the option of an accepted connection; the kernel gives the SYN once. Null when there is none.</summary>
    public static unsafe IPEndPoint? ReadDestination(int descriptor)
    {
        var headers = stackalloc byte[MaximumHeaders];
        var length = MaximumHeaders;
        return Libc.GetSocketOption(descriptor, Linux.TcpLevel, Linux.TcpSavedSyn, headers, &length) < 0
            ? null
            : FindDestination(new ReadOnlySpan<byte>(headers, length));
    }

    /// <summary>Finds the option in the IP and TCP headers of a SYN; null when it is absent or the headers are malformed.</summary>
    public static IPEndPoint? FindDestination(ReadOnlySpan<byte> packet)
    {
        var tcp = TcpHeader(packet);
        if (tcp.Length < MinimumTcpHeader)
        {
            return null;
        }

        var headerLength = (tcp[12] >> 4) * 4;
        return headerLength < MinimumTcpHeader || headerLength > tcp.Length
            ? null
            : FindOption(tcp[MinimumTcpHeader..headerLength]);
    }

    private static IPEndPoint? FindOption(ReadOnlySpan<byte> options)
    {
        while (options.Length > 0 && options[0] != EndOfOptions)
        {
            if (options[0] == Padding)
            {
                options = options[1..];
                continue;
            }

            if (options.Length < 2 || options[1] < 2 || options[1] > options.Length)
            {
                return null;
            }

            if (options[0] == DestinationKind && Destination(options[2..options[1]]) is { } destination)
            {
                return destination;
            }

            options = options[options[1]..];
        }

        return null;
    }

    private static IPEndPoint? Destination(ReadOnlySpan<byte> value) => (value.Length + 2) switch
    {
        DestinationV4Length when BinaryPrimitives.ReadUInt16BigEndian(value) == Magic =>
            new IPEndPoint(new IPAddress(value.Slice(2, 4)), BinaryPrimitives.ReadUInt16BigEndian(value[6..])),
        DestinationV6Length =>
            SocketAddressing.Normalise(new IPEndPoint(new IPAddress(value[..16]), BinaryPrimitives.ReadUInt16BigEndian(value[16..]))),
        _ => null,
    };

    private static ReadOnlySpan<byte> TcpHeader(ReadOnlySpan<byte> packet)
    {
        if (packet.IsEmpty)
        {
            return default;
        }

        return (packet[0] >> 4) switch
        {
            4 => TcpHeaderV4(packet),
            6 => TcpHeaderV6(packet),
            _ => default,
        };
    }

    private static ReadOnlySpan<byte> TcpHeaderV4(ReadOnlySpan<byte> packet)
    {
        const int protocolOffset = 9;
        var length = (packet[0] & 0x0f) * 4;
        return length > protocolOffset && length <= packet.Length && packet[protocolOffset] == ProtocolTcp ? packet[length..] : default;
    }

    private static ReadOnlySpan<byte> TcpHeaderV6(ReadOnlySpan<byte> packet)
    {
        const byte hopByHop = 0, routing = 43, destinationOptions = 60;
        if (packet.Length < FixedHeaderV6)
        {
            return default;
        }

        var next = packet[6];
        var rest = packet[FixedHeaderV6..];
        while (next is hopByHop or routing or destinationOptions)
        {
            // RFC 8200 section 4: next header, then the length in units of eight bytes beyond the first eight.
            var length = rest.Length < 2 ? int.MaxValue : (rest[1] + 1) * 8;
            if (length > rest.Length)
            {
                return default;
            }

            next = rest[0];
            rest = rest[length..];
        }

        return next == ProtocolTcp ? rest : default;
    }
}
