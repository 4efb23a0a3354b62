using System.Collections.Concurrent;

namespace Waypoint.Echo.Http;

/// <summary>How often each key has failed already: retries of one request share its key.</summary>
internal sealed class FailureLedger
{
    private readonly ConcurrentDictionary<string, int> _seen = new();

    internal bool ShouldFail(string key, int first) => _seen.AddOrUpdate(key, 1, (_, seen) => seen + 1) <= first;
}
