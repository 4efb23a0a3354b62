using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.InteropServices;
using Waypoint.NodeAgent.Engine;

namespace Waypoint.NodeAgent.Workloads;

/// <summary>
/// An IP address as the maps hold it: sixteen bytes in network order, IPv4 as <c>::ffff:a.b.c.d</c>.
/// A value, not <see cref="IPAddress"/>: tens of thousands of them are keys of dictionaries.
/// </summary>
internal readonly record struct InternetAddress(UInt128 Value) : IComparable<InternetAddress>
{
    public const int Size = 16;
    private const ulong MappedPrefix = 0x0000_FFFF_0000_0000;

    /// <summary>True for <c>0.0.0.0</c> and <c>::</c>, which stand for "no address".</summary>
    public bool IsUnspecified => Value == 0 || Value == MappedPrefix;

    public AddressFamily Family => Value >> 32 == MappedPrefix >> 32 ? AddressFamily.IPv4 : AddressFamily.IPv6;

    /// <summary>Reads an address of 4 or 16 bytes in network order, as WDS sends it. Any other length is no address.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out InternetAddress address)
    {
        switch (bytes.Length)
        {
            case 4:
                address = new InternetAddress(MappedPrefix | BinaryPrimitives.ReadUInt32BigEndian(bytes));
                return true;
            case Size:
                address = new InternetAddress(BinaryPrimitives.ReadUInt128BigEndian(bytes));
                return true;
            default:
                address = default;
                return false;
        }
    }

    public static InternetAddress From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[Size];
        address.TryWriteBytes(bytes, out int length);
        return TryRead(bytes[..length], out InternetAddress result)
            ? result
            : throw new ArgumentException($"{address} is neither IPv4 nor IPv6.", nameof(address));
    }

    public static InternetAddress From(KernelAddress address) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(MemoryMarshal.AsBytes(new ReadOnlySpan<KernelAddress>(in address))));

    public static InternetAddress Parse(string text) => From(IPAddress.Parse(text));

    public static bool TryParse([NotNullWhen(true)] string? text, out InternetAddress address)
    {
        bool parsed = IPAddress.TryParse(text, out IPAddress? ip);
        address = parsed ? From(ip!) : default;
        return parsed;
    }

    public KernelAddress ToKernel()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Write(bytes);
        return MemoryMarshal.Read<KernelAddress>(bytes);
    }

    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, Value);

    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Write(bytes);
        return new IPAddress(Family == AddressFamily.IPv4 ? bytes[12..] : bytes);
    }

    public int CompareTo(InternetAddress other) => Value.CompareTo(other.Value);

    public override string ToString() => ToIPAddress().ToString();
}

internal enum AddressFamily : byte
{
    IPv4,
    IPv6,
}
