using System.Text;

namespace Waypoint.Proxy.LoadBalancing.Hashing;

/// <summary>
/// Google's Maglev table (NSDI 2016, section 3.4), filled as Envoy fills it: endpoints take turns at claiming the next free place of their own permutation, the heavier more often.
/// A look-up is one remainder; shares are more even than a ring's, and when an endpoint leaves a few hashes more than its own move.
/// </summary>
internal sealed class MaglevTable : HashTable
{
    /// <summary>Envoy's default; a prime, so that every step goes through all places.</summary>
    public const uint DefaultSize = 65537;

    private readonly Endpoint[] _places;

    /// <param name="endpoints">At least one.</param>
    /// <param name="size">A prime number.</param>
    public MaglevTable(IReadOnlyList<WeightedEndpoint> endpoints, uint size = DefaultSize)
    {
        _places = new Endpoint[size];
        var heaviest = endpoints.Max(e => e.Weight);
        var claims = new Claim[endpoints.Count];
        for (var i = 0; i < claims.Length; i++)
        {
            var key = Encoding.ASCII.GetBytes(endpoints[i].Endpoint.Address.ToString());
            claims[i] = new Claim
            {
                Offset = XxHash64.Hash(key) % size,
                Skip = (XxHash64.Hash(key, seed: 1) % (size - 1)) + 1,
                Weight = endpoints[i].Weight / heaviest,
            };
        }

        var filled = 0u;
        for (var turn = 1; filled < size; turn++)
        {
            for (var i = 0; i < claims.Length && filled < size; i++)
            {
                ref var claim = ref claims[i];
                if (turn * claim.Weight < claim.Taken)
                {
                    continue;
                }

                claim.Taken += 1;
                ulong place;
                do
                {
                    place = (claim.Offset + (claim.Skip * claim.Next++)) % size;
                }
                while (_places[place] is not null);
                _places[place] = endpoints[i].Endpoint;
                filled++;
            }
        }
    }

    public override Endpoint Pick(ulong hash, int attempt)
    {
        if (attempt > 0)
        {
            // Another hash of its own for each further try.
            hash ^= unchecked(~0UL - (ulong)attempt + 1);
        }

        return _places[hash % (ulong)_places.Length];
    }

    private struct Claim
    {
        public ulong Offset;
        public ulong Skip;
        public ulong Next;
        public double Weight;
        public double Taken;
    }
}
