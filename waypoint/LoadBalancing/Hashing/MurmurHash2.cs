using System.Buffers.Binary;

namespace Waypoint.Proxy.LoadBalancing.Hashing;

/// <summary>MurmurHash64A with the seed of libstdc++'s <c>std::hash</c> (Envoy's <c>MURMUR_HASH_2</c>).</summary>
internal static class MurmurHash2
{
    private const ulong Seed = 0xC70F6907;
    private const ulong Multiplier = 0xC6A4A7935BD1E995;
    private const int Shift = 47;

    public static ulong Hash(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            var hash = Seed ^ ((ulong)data.Length * Multiplier);
            for (; data.Length >= 8; data = data[8..])
            {
                var word = BinaryPrimitives.ReadUInt64LittleEndian(data) * Multiplier;
                hash = (hash ^ ((word ^ (word >> Shift)) * Multiplier)) * Multiplier;
            }

            if (!data.IsEmpty)
            {
                ulong rest = 0;
                for (var i = 0; i < data.Length; i++)
                {
                    rest |= (ulong)data[i] << (8 * i);
                }

                hash = (hash ^ rest) * Multiplier;
            }

            hash = (hash ^ (hash >> Shift)) * Multiplier;
            return hash ^ (hash >> Shift);
        }
    }
}
