using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Waypoint.Proxy.LoadBalancing.Dns;

namespace Waypoint.Proxy.Tests.Xds;

/// <summary>Names that a test gives addresses. One without any does not exist; while it is silent nobody gets an answer.</summary>
internal sealed class TestResolver : IHostResolver
{
    private readonly ConcurrentDictionary<string, IPAddress[]> _addresses = new(StringComparer.OrdinalIgnoreCase);
    private TaskCompletionSource _speaking = Spoken();
    private int _questions;

    public int Questions => Volatile.Read(ref _questions);

    public void Silence() => _speaking = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Answer(string host, params string[] addresses)
    {
        _addresses[host] = [.. addresses.Select(IPAddress.Parse)];
        _speaking.TrySetResult();
    }

    public void Forget(string host) => _addresses.TryRemove(host, out _);

    public async Task<IPAddress[]> ResolveAsync(string host, AddressFamily family, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _questions);
        await _speaking.Task.WaitAsync(cancellation);
        return _addresses.TryGetValue(host, out var addresses)
            ? [.. addresses.Where(address => family == AddressFamily.Unspecified || address.AddressFamily == family)]
            : throw new SocketException((int)SocketError.HostNotFound);
    }

    private static TaskCompletionSource Spoken()
    {
        var spoken = new TaskCompletionSource();
        spoken.SetResult();
        return spoken;
    }
}
