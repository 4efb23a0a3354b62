using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Waypoint.Proxy.LoadBalancing.Hashing;

/// <summary>XXH64, with which Envoy places endpoints and requests: the same text falls on the same endpoint behind either proxy.</summary>
internal static class XxHash64
{
    private const ulong Prime1 = 0x9E3779B185EBCA87;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;
    private const ulong Prime3 = 0x165667B19E3779F9;
    private const ulong Prime4 = 0x85EBCA77C2B2AE63;
    private const ulong Prime5 = 0x27D4EB2F165667C5;

    /// <summary>The hash of a text that came off the wire: one byte a char.</summary>
    public static ulong Hash(ReadOnlySpan<char> text, ulong seed = 0)
    {
        const int OnStack = 512;
        Span<byte> bytes = text.Length <= OnStack ? stackalloc byte[OnStack] : new byte[text.Length];
        return Hash(bytes[..Encoding.Latin1.GetBytes(text, bytes)], seed);
    }

    public static ulong Hash(ReadOnlySpan<byte> data, ulong seed = 0)
    {
        unchecked
        {
            var length = (ulong)data.Length;
            ulong hash;
            if (data.Length >= 32)
            {
                var a = seed + Prime1 + Prime2;
                var b = seed + Prime2;
                var c = seed;
                var d = seed - Prime1;
                for (; data.Length >= 32; data = data[32..])
                {
                    a = Round(a, Word(data));
                    b = Round(b, Word(data[8..]));
                    c = Round(c, Word(data[16..]));
                    d = Round(d, Word(data[24..]));
                }

                hash = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7) + BitOperations.RotateLeft(c, 12) + BitOperations.RotateLeft(d, 18);
                hash = Merge(Merge(Merge(Merge(hash, a), b), c), d);
            }
            else
            {
                hash = seed + Prime5;
            }

            hash += length;
            for (; data.Length >= 8; data = data[8..])
            {
                hash = (BitOperations.RotateLeft(hash ^ Round(0, Word(data)), 27) * Prime1) + Prime4;
            }

            if (data.Length >= 4)
            {
                hash = (BitOperations.RotateLeft(hash ^ (BinaryPrimitives.ReadUInt32LittleEndian(data) * Prime1), 23) * Prime2) + Prime3;
                data = data[4..];
            }

            foreach (var octet in data)
            {
                hash = BitOperations.RotateLeft(hash ^ (octet * Prime5), 11) * Prime1;
            }

            hash = (hash ^ (hash >> 33)) * Prime2;
            hash = (hash ^ (hash >> 29)) * Prime3;
            return hash ^ (hash >> 32);
        }
    }

    private static ulong Word(ReadOnlySpan<byte> data) => BinaryPrimitives.ReadUInt64LittleEndian(data);

    private static ulong Round(ulong accumulator, ulong input) => unchecked(BitOperations.RotateLeft(accumulator + (input * Prime2), 31) * Prime1);

    private static ulong Merge(ulong hash, ulong accumulator) => unchecked(((hash ^ Round(0, accumulator)) * Prime1) + Prime4);
}
