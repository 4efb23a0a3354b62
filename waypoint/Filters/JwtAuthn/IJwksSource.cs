namespace Waypoint.Proxy.Filters.JwtAuthn;

/// <summary>Where a provider's keys come from.</summary>
internal interface IJwksSource
{
    /// <returns>The keys in force; null when there are none and none could be fetched.</returns>
    ValueTask<JsonWebKeySet?> GetAsync();
}

/// <summary>Keys that came with the configuration.</summary>
internal sealed class InlineJwks(JsonWebKeySet keys) : IJwksSource
{
    public ValueTask<JsonWebKeySet?> GetAsync() => new(keys);
}
