namespace Waypoint.Proxy.LoadBalancing.Hashing;

/// <summary>An endpoint with its part of the load of those beside it; only the proportions count.</summary>
internal readonly record struct WeightedEndpoint(Endpoint Endpoint, double Weight);

/// <summary>Leads equal hashes to equal endpoints, and when endpoints come and go as few hashes as can be to others. Immutable.</summary>
internal abstract class HashTable
{
    /// <param name="hash">Of what stays equal between requests.</param>
    /// <param name="attempt">0 at first; each next one leads to another place, which may be another endpoint.</param>
    public abstract Endpoint Pick(ulong hash, int attempt);
}
