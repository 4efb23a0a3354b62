namespace Waypoint.Proxy.LoadBalancing;

/// <summary>Endpoints among which only weight and policy decide. Immutable.</summary>
internal sealed class EndpointPool
{
    private readonly Endpoint[] _endpoints;

    // Null when all weights are equal: the choice is then a multiplication instead of a search.
    private readonly ulong[]? _cumulative;
    private readonly ulong _total;

    public EndpointPool(Endpoint[] endpoints)
    {
        _endpoints = endpoints;
        _total = (ulong)endpoints.Length;
        if (endpoints.All(e => e.Weight == endpoints[0].Weight))
        {
            return;
        }

        _total = 0;
        _cumulative = new ulong[endpoints.Length];
        for (var i = 0; i < endpoints.Length; i++)
        {
            _total += endpoints[i].Weight;
            _cumulative[i] = _total;
        }
    }

    public ReadOnlySpan<Endpoint> Endpoints => _endpoints;

    public Endpoint Pick(LoadBalancingPolicy policy, Random random, ref uint turn)
    {
        if (_endpoints.Length == 1)
        {
            return _endpoints[0];
        }

        return policy switch
        {
            LoadBalancingPolicy.RoundRobin => Next(Interlocked.Increment(ref turn)),
            LoadBalancingPolicy.Random => Draw(random),
            _ => LessBusy(random),
        };
    }

    /// <summary>
    /// In turn. Unequal weights: the multiples of the golden ratio fill [0, 1) evenly, so every stretch of n turns gives each endpoint its
    /// share to within a few requests, without the lock that a schedule needs.
    /// </summary>
    private Endpoint Next(uint turn)
    {
        const uint GoldenRatio = 2654435769;
        return _cumulative is null
            ? _endpoints[turn % (uint)_endpoints.Length]
            : At((ulong)(((UInt128)_total * unchecked(turn * GoldenRatio)) >> 32));
    }

    private Endpoint Draw(Random random) =>
        _cumulative is null
            ? _endpoints[random.Next(_endpoints.Length)]
            : At((ulong)random.NextInt64((long)_total));

    // Two choices at random, the less busy for its weight wins: nearly as even as looking at all, and no herd on the idlest one.
    private Endpoint LessBusy(Random random)
    {
        Endpoint one;
        Endpoint other;
        if (_cumulative is null)
        {
            var first = random.Next(_endpoints.Length);
            var second = random.Next(_endpoints.Length - 1);
            one = _endpoints[first];
            other = _endpoints[second >= first ? second + 1 : second];
        }
        else
        {
            one = Draw(random);
            other = Draw(random);
        }

        return (ulong)other.State.ActiveRequests * one.Weight < (ulong)one.State.ActiveRequests * other.Weight ? other : one;
    }

    private Endpoint At(ulong ticket)
    {
        var index = Array.BinarySearch(_cumulative!, ticket + 1);
        return _endpoints[index < 0 ? ~index : index];
    }
}
