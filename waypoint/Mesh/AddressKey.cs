using System.Buffers.Binary;
using System.Net;

namespace Waypoint.Proxy.Mesh;

/// <summary>
/// An address as a dictionary's key: IPv4 as <c>::ffff:a.b.c.d</c>, so that it does not matter which kind of socket a
/// connection came in by, and looking one up allocates nothing.
/// </summary>
internal readonly record struct AddressKey(UInt128 Bits)
{
    private static readonly UInt128 MappedPrefix = (UInt128)0xFFFF << 32;

    public static AddressKey Of(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var written))
        {
            throw new ArgumentException($"{address} is not an IP address", nameof(address));
        }

        return written == 4
            ? new AddressKey(MappedPrefix | BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : new AddressKey(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>True for an IPv4 address.</summary>
    public bool IsIPv4 => Bits >> 32 == 0xFFFF;

    /// <summary>The first <paramref name="bits"/> of the 128 bits; the rest zero.</summary>
    public AddressKey Masked(int bits) => bits == 0 ? default : new AddressKey(Bits & (UInt128.MaxValue << (128 - bits)));

    /// <summary>As a range in CIDR notation.</summary>
    public string ToString(int bits) => $"{ToAddress()}/{(IsIPv4 ? bits - 96 : bits)}";

    public IPAddress ToAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        return new IPAddress(IsIPv4 ? bytes[12..] : bytes);
    }
}
