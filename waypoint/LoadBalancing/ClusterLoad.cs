namespace Waypoint.Proxy.LoadBalancing;

/// <summary>The requests and retries under way to one cluster, against its limits.</summary>
internal sealed class ClusterLoad
{
    private int _requests;
    private int _retries;
    private long _retryOverflows;

    public ConnectionLimit Connections { get; } = new();

    public int ActiveRequests => Volatile.Read(ref _requests);

    public int ActiveRetries => Volatile.Read(ref _retries);

    /// <summary>Retries that were due and not made because the budget was spent.</summary>
    public long RetryOverflows => Volatile.Read(ref _retryOverflows);

    public bool TryStartRequest(CircuitBreakers limits)
    {
        if ((uint)Interlocked.Increment(ref _requests) <= limits.MaxRequests)
        {
            return true;
        }

        Interlocked.Decrement(ref _requests);
        return false;
    }

    public void EndRequest() => Interlocked.Decrement(ref _requests);

    public bool TryStartRetry(CircuitBreakers limits)
    {
        if ((uint)Interlocked.Increment(ref _retries) <= RetryLimit(limits))
        {
            return true;
        }

        Interlocked.Decrement(ref _retries);
        Interlocked.Increment(ref _retryOverflows);
        return false;
    }

    public void EndRetry() => Interlocked.Decrement(ref _retries);

    private uint RetryLimit(CircuitBreakers limits) => limits.RetryBudget is { } budget
        ? Math.Max(budget.MinConcurrency, (uint)(ActiveRequests * budget.Percent / 100))
        : limits.MaxRetries;
}
