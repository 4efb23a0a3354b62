using System.Globalization;
using System.Numerics;
using System.Text;

namespace Waypoint.Proxy.LoadBalancing.Hashing;

/// <param name="MinimumSize">Places on the ring at least; more are finer shares.</param>
/// <param name="MaximumSize">Places on the ring at most.</param>
/// <param name="IsMurmur">MurmurHash2 places the endpoints, not XXH64.</param>
internal sealed record RingSettings(ulong MinimumSize = 1024, ulong MaximumSize = 8 * 1024 * 1024, bool IsMurmur = false);

/// <summary>
/// Ketama's ring with Envoy's places: each endpoint at as many as its weight asks for, each at the hash of its address and a running number. A hash belongs to the
/// next place clockwise.
/// </summary>
internal sealed class HashRing : HashTable
{
    private readonly ulong[] _places;
    private readonly Endpoint[] _endpoints;

    /// <param name="endpoints">At least one.</param>
    /// <param name="settings">Size and function.</param>
    public HashRing(IReadOnlyList<WeightedEndpoint> endpoints, RingSettings settings)
    {
        var total = endpoints.Sum(e => e.Weight);
        var least = endpoints.Min(e => e.Weight) / total;

        // The lightest endpoint gets a whole number of places, so that shares are exact where the limits leave room. Envoy takes the next whole number, which changes with
        // nearly every endpoint that comes or goes: of twenty, one that leaves moves half as many hashes again between those that stay. A power of two changes seldom.
        var places = BitOperations.RoundUpToPowerOf2((ulong)Math.Ceiling(least * settings.MinimumSize));
        var scale = Math.Min(places / least, settings.MaximumSize);
        var size = (int)Math.Ceiling(scale);
        var hashes = new List<ulong>(size);
        var owners = new List<Endpoint>(size);
        var target = 0.0;
        foreach (var (endpoint, weight) in endpoints)
        {
            target += scale * weight / total;
            var key = endpoint.Address + "_";
            for (var i = 0; hashes.Count < target && hashes.Count < size; i++)
            {
                var text = Encoding.ASCII.GetBytes(key + i.ToString(CultureInfo.InvariantCulture));
                hashes.Add(settings.IsMurmur ? MurmurHash2.Hash(text) : XxHash64.Hash(text));
                owners.Add(endpoint);
            }
        }

        _places = [.. hashes];
        _endpoints = [.. owners];
        Array.Sort(_places, _endpoints);
    }

    public int Size => _places.Length;

    public override Endpoint Pick(ulong hash, int attempt)
    {
        var at = Array.BinarySearch(_places, hash);
        at = at < 0 ? ~at : at;
        return _endpoints[(int)(((uint)at + (uint)attempt) % (uint)_endpoints.Length)];
    }
}
