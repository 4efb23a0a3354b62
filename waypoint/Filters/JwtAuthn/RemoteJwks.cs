using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Filters.JwtAuthn;

/// <summary>What makes two sources of keys the same one.</summary>
/// <param name="Uri">Where the keys are.</param>
/// <param name="Cluster">Where to ask.</param>
/// <param name="Timeout">How long an answer may take.</param>
/// <param name="CacheDuration">How long keys are good before they are fetched again.</param>
/// <param name="RetryDelay">How long after a failure the next try is made.</param>
internal sealed record RemoteJwksSettings(Uri Uri, ClusterSlot Cluster, TimeSpan Timeout, TimeSpan CacheDuration, TimeSpan RetryDelay);

/// <summary>
/// Keys that are fetched from their issuer. However many requests wait, one fetch is under way at a time. Keys that could be had
/// once are used on while they cannot be fetched again.
/// </summary>
internal sealed class RemoteJwks(RemoteJwksSettings settings, ClusterClient client, TimeProvider time) : IJwksSource
{
    /// <summary>In bytes. Key sets of large issuers are some 10 KB.</summary>
    private const int MaxLength = 1024 * 1024;

    private readonly Lock _gate = new();
    private JsonWebKeySet? _keys;
    private long _dueAt = long.MinValue;
    private Task<JsonWebKeySet?>? _fetch;

    public ValueTask<JsonWebKeySet?> GetAsync()
    {
        if (time.GetTimestamp() < Volatile.Read(ref _dueAt))
        {
            return new ValueTask<JsonWebKeySet?>(Volatile.Read(ref _keys));
        }

        lock (_gate)
        {
            return time.GetTimestamp() < _dueAt ? new(_keys) : new(_fetch ??= Task.Run(FetchAsync));
        }
    }

    /// <summary>Begins to fetch, unless there are keys.</summary>
    public void Prefetch()
    {
        lock (_gate)
        {
            if (_keys is null)
            {
                _fetch ??= Task.Run(FetchAsync);
            }
        }
    }

    private async Task<JsonWebKeySet?> FetchAsync()
    {
        JsonWebKeySet? fetched = null;
        try
        {
            fetched = await ReadAsync().ConfigureAwait(false);
        }
        finally
        {
            // Whatever became of it: a fetch that stayed would be the last.
            lock (_gate)
            {
                _keys = fetched ?? _keys;
                _dueAt = time.GetTimestamp() + (long)((fetched is null ? settings.RetryDelay : settings.CacheDuration).TotalSeconds * time.TimestampFrequency);
                _fetch = null;
            }
        }

        return Volatile.Read(ref _keys);
    }

    private async Task<JsonWebKeySet?> ReadAsync()
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, (Uri?)null);
            request.Headers.Host = settings.Uri.IsDefaultPort ? settings.Uri.Host : settings.Uri.Authority;
            using var answer = await client.SendAsync(
                settings.Cluster, request, settings.Uri.PathAndQuery, settings.Timeout, MaxLength, CancellationToken.None).ConfigureAwait(false);
            return answer.Status == StatusCodes.Status200OK && JsonWebKeySet.Parse(answer.Body) is { Status: JwtStatus.Ok } keys ? keys : null;
        }
        catch (ClusterCallException)
        {
            return null;
        }
    }
}
