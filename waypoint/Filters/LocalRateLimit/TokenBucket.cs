namespace Waypoint.Proxy.Filters.LocalRateLimit;

/// <param name="MaxTokens">How many requests may come at once.</param>
/// <param name="TokensPerFill">How many more may come after each interval.</param>
/// <param name="FillInterval">The interval.</param>
internal sealed record TokenBucketSettings(uint MaxTokens, uint TokensPerFill, TimeSpan FillInterval);

/// <summary>A limit of requests over time. Tokens come evenly, as in Envoy, not all at the end of an interval.</summary>
internal sealed class TokenBucket(TokenBucketSettings settings, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly double _perTick = settings.TokensPerFill / (settings.FillInterval.TotalSeconds * time.TimestampFrequency);
    private double _tokens = settings.MaxTokens;
    private long _filledAt = time.GetTimestamp();

    public uint MaxTokens => settings.MaxTokens;

    public bool TryTake()
    {
        lock (_gate)
        {
            Fill();
            if (_tokens < 1)
            {
                return false;
            }

            _tokens--;
            return true;
        }
    }

    /// <summary>Whole tokens, and in how many seconds there is one; 0 while there is.</summary>
    public (uint Remaining, long ResetSeconds) Look()
    {
        lock (_gate)
        {
            Fill();
            return ((uint)_tokens, _tokens >= 1 ? 0 : (long)Math.Ceiling((1 - _tokens) / _perTick / time.TimestampFrequency));
        }
    }

    private void Fill()
    {
        var now = time.GetTimestamp();
        _tokens = Math.Min(settings.MaxTokens, _tokens + ((now - _filledAt) * _perTick));
        _filledAt = now;
    }
}
