namespace Waypoint.Proxy.LoadBalancing;

/// <summary>Chooses by turn, at random, or by load: the policies that do not look at the request. Immutable.</summary>
internal sealed class BalancedPool : EndpointPool
{
    private readonly Endpoint[] _endpoints;

    // Null when all weights are equal: the choice is then a multiplication instead of a search.
    private readonly ulong[]? _cumulative;
    private readonly ulong _total;

    /// <param name="endpoints">At least one.</param>
    /// <param name="weightOf">At least 1.</param>
    public BalancedPool(Endpoint[] endpoints, Func<Endpoint, ulong> weightOf)
        : base(endpoints)
    {
        _endpoints = endpoints;
        _total = (ulong)endpoints.Length;
        ulong[] weights = [.. endpoints.Select(weightOf)];
        if (!weights.AsSpan().ContainsAnyExcept(weights[0]))
        {
            return;
        }

        _total = 0;
        _cumulative = weights;
        for (var i = 0; i < weights.Length; i++)
        {
            _total += weights[i];
            _cumulative[i] = _total;
        }
    }

    public override Endpoint Pick(Cluster cluster, Random random, ref uint turn, ulong hash, int attempt)
    {
        if (_endpoints.Length == 1)
        {
            return _endpoints[0];
        }

        return cluster.Balancing.Policy switch
        {
            LoadBalancingPolicy.RoundRobin => _endpoints[Next(Interlocked.Increment(ref turn))],
            LoadBalancingPolicy.Random => _endpoints[Draw(random)],
            _ => LessBusy(cluster.Balancing.Choices, random),
        };
    }

    /// <summary>
    /// In turn. Unequal weights: the multiples of the golden ratio fill [0, 1) evenly, so every stretch of n turns gives each endpoint its
    /// share to within a few requests, without the lock that a schedule needs.
    /// </summary>
    private int Next(uint turn)
    {
        const uint GoldenRatio = 2654435769;
        return _cumulative is null
            ? (int)(turn % (uint)_endpoints.Length)
            : At((ulong)(((UInt128)_total * unchecked(turn * GoldenRatio)) >> 32));
    }

    private int Draw(Random random) =>
        _cumulative is null
            ? random.Next(_endpoints.Length)
            : At((ulong)random.NextInt64((long)_total));

    // Some choices at random, the less busy for its weight wins: nearly as even as looking at all, and no herd on the idlest one.
    private Endpoint LessBusy(int choices, Random random)
    {
        var best = Draw(random);
        for (var choice = 1; choice < choices; choice++)
        {
            int other;
            if (_cumulative is null && choices == 2)
            {
                // Two different ones.
                other = random.Next(_endpoints.Length - 1);
                other = other >= best ? other + 1 : other;
            }
            else
            {
                other = Draw(random);
            }

            if ((ulong)_endpoints[other].State.ActiveRequests * Weight(best) < (ulong)_endpoints[best].State.ActiveRequests * Weight(other))
            {
                best = other;
            }
        }

        return _endpoints[best];
    }

    private ulong Weight(int index)
    {
        if (_cumulative is null)
        {
            return 1;
        }

        return index == 0 ? _cumulative[0] : _cumulative[index] - _cumulative[index - 1];
    }

    private int At(ulong ticket)
    {
        var index = Array.BinarySearch(_cumulative!, ticket + 1);
        return index < 0 ? ~index : index;
    }
}
