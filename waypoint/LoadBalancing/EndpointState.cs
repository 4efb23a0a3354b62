namespace Waypoint.Proxy.LoadBalancing;

/// <summary>
/// What is known of an endpoint at run time. Kept per address and shared by every route and cluster that names it
/// (design D10), and carried over from one configuration to the next.
/// </summary>
internal sealed class EndpointState(HealthClock clock)
{
    private readonly Lock _ejecting = new();
    private int _activeRequests;
    private int _serverErrors;
    private int _gatewayFailures;
    private int _connectFailures;
    private int _timesEjected;
    private long _availableAgainAt = long.MinValue;

    public EndpointState()
        : this(HealthClock.System)
    {
    }

    public int ActiveRequests => Volatile.Read(ref _activeRequests);

    /// <summary>How often in a row it was put aside.</summary>
    public int TimesEjected => Volatile.Read(ref _timesEjected);

    /// <summary>The timestamp of <see cref="TimeProvider"/> at which it is used again; in the past when it is in use.</summary>
    public long AvailableAgainAt => Volatile.Read(ref _availableAgainAt);

    public void RequestStarted() => Interlocked.Increment(ref _activeRequests);

    public void RequestEnded() => Interlocked.Decrement(ref _activeRequests);

    public bool IsEjected(long now) => AvailableAgainAt > now;

    /// <summary>Forgets failures in a row. Writes nothing when there are none, so that the cache line stays shared.</summary>
    public void Succeeded(OutlierDetection policy)
    {
        ForgetFailures();
        if (policy.Growth == EjectionGrowth.Doubling)
        {
            Reset(ref _timesEjected);
        }
    }

    /// <summary>Counts a failure; true when it makes the endpoint due for ejection under <paramref name="policy"/>.</summary>
    public bool Failed(FailureKind kind, OutlierDetection policy)
    {
        if (policy.SplitsLocalOrigin && kind is (FailureKind.Connect or FailureKind.NoAnswer))
        {
            return Count(ref _connectFailures, policy.ConsecutiveConnectFailures);
        }

        var due = Count(ref _serverErrors, policy.ConsecutiveServerErrors);
        if (kind == FailureKind.ServerError)
        {
            Reset(ref _gatewayFailures);
        }
        else
        {
            due |= Count(ref _gatewayFailures, policy.ConsecutiveGatewayFailures);
        }

        if (kind == FailureKind.Connect)
        {
            due |= Count(ref _connectFailures, policy.ConsecutiveConnectFailures);
        }

        return due;
    }

    /// <summary>Puts it aside; false when it is aside already.</summary>
    public bool Eject(OutlierDetection policy)
    {
        lock (_ejecting)
        {
            var now = clock.Time.GetTimestamp();
            if (IsEjected(now))
            {
                return false;
            }

            if (_availableAgainAt != long.MinValue)
            {
                // Envoy takes one step off the growth at each interval without an ejection.
                var rested = clock.Time.GetElapsedTime(_availableAgainAt, now);
                _timesEjected = (int)Math.Max(0, _timesEjected - (rested.Ticks / Math.Max(1, policy.Interval.Ticks)));
            }

            _timesEjected++;
            ForgetFailures();
            var units = policy.EjectionTime(_timesEjected).TotalSeconds * clock.Time.TimestampFrequency;
            Volatile.Write(ref _availableAgainAt, now + (long)units);
        }

        clock.Changed();
        return true;
    }

    private static void Reset(ref int counter)
    {
        if (Volatile.Read(ref counter) != 0)
        {
            Volatile.Write(ref counter, 0);
        }
    }

    private static bool Count(ref int counter, int limit) =>
        Interlocked.Increment(ref counter) >= limit && limit > 0;

    private void ForgetFailures()
    {
        Reset(ref _serverErrors);
        Reset(ref _gatewayFailures);
        Reset(ref _connectFailures);
    }
}
