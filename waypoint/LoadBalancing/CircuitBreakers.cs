namespace Waypoint.Proxy.LoadBalancing;

/// <summary>Limits of one cluster (Envoy's names and defaults); <see cref="uint.MaxValue"/> is no limit, which is what istiod sends.</summary>
internal sealed record CircuitBreakers
{
    public uint MaxConnections { get; init; } = 1024;

    public uint MaxPendingRequests { get; init; } = 1024;

    public uint MaxRequests { get; init; } = 1024;

    /// <summary>Retries under way at one time; a <see cref="RetryBudget"/> takes its place.</summary>
    public uint MaxRetries { get; init; } = 3;

    public RetryBudget? RetryBudget { get; init; }
}

/// <param name="Percent">Retries under way, as a share of the requests under way.</param>
/// <param name="MinConcurrency">So many are always allowed.</param>
internal sealed record RetryBudget(double Percent, uint MinConcurrency);
