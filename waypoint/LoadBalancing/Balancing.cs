using Waypoint.Proxy.LoadBalancing.Hashing;

namespace Waypoint.Proxy.LoadBalancing;

internal enum LoadBalancingPolicy
{
    RoundRobin,
    LeastRequest,
    Random,

    /// <summary>Equal hashes to equal endpoints, by <see cref="HashRing"/>.</summary>
    RingHash,

    /// <summary>Equal hashes to equal endpoints, by <see cref="MaglevTable"/>.</summary>
    Maglev,
}

/// <summary>How an endpoint is chosen among those that are usable. Immutable.</summary>
internal sealed record Balancing
{
    public LoadBalancingPolicy Policy { get; init; } = LoadBalancingPolicy.LeastRequest;

    public RingSettings Ring { get; init; } = new();

    /// <summary>Places of the table of <see cref="LoadBalancingPolicy.Maglev"/>; a prime number.</summary>
    public uint MaglevSize { get; init; } = MaglevTable.DefaultSize;

    /// <summary>How many endpoints <see cref="LoadBalancingPolicy.LeastRequest"/> compares; at least 2.</summary>
    public int Choices { get; init; } = 2;

    /// <summary>Null: a new endpoint gets its whole share at once.</summary>
    public SlowStart? SlowStart { get; init; }

    /// <summary>True for policies that look at <see cref="PickContext.Hash"/>.</summary>
    public bool Hashes => Policy is LoadBalancingPolicy.RingHash or LoadBalancingPolicy.Maglev;
}
