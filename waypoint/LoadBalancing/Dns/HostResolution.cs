using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Waypoint.Proxy.LoadBalancing.Dns;

/// <summary>
/// Asks for the addresses of some names again and again for as long as their cluster is there, used or not: the first request after a quiet hour should not be the one that waits. A name that
/// cannot be resolved, or has no address any more, keeps the addresses it had.
/// </summary>
internal sealed class HostResolution : IDisposable
{
    private readonly DnsSettings _settings;
    private readonly IHostResolver _resolver;
    private readonly TimeProvider _time;
    private readonly Action<HostResolution> _changed;
    private readonly CancellationTokenSource _ending = new();
    private readonly CancellationToken _ended;
    private readonly Lock _gate = new();
    private readonly IReadOnlyCollection<string> _hosts;
    private readonly HashSet<string> _unasked;
    private ImmutableDictionary<string, ImmutableArray<IPAddress>> _addresses;

    /// <param name="hosts">The names, each once.</param>
    /// <param name="settings">How and how often.</param>
    /// <param name="resolver">Whom to ask.</param>
    /// <param name="time">The clock.</param>
    /// <param name="known">Addresses from before; those of other names are forgotten.</param>
    /// <param name="changed">Called on any thread once each name was asked for, and after each change from then on.</param>
    public HostResolution(
        IReadOnlyCollection<string> hosts,
        DnsSettings settings,
        IHostResolver resolver,
        TimeProvider time,
        IReadOnlyDictionary<string, ImmutableArray<IPAddress>> known,
        Action<HostResolution> changed)
    {
        (_hosts, _settings, _resolver, _time, _changed) = (hosts, settings, resolver, time, changed);
        _unasked = [.. hosts];
        _ended = _ending.Token;
        _addresses = known.Where(host => hosts.Contains(host.Key)).ToImmutableDictionary();
    }

    /// <summary>By name; names that were never resolved are missing.</summary>
    public ImmutableDictionary<string, ImmutableArray<IPAddress>> Addresses
    {
        get
        {
            lock (_gate)
            {
                return _addresses;
            }
        }
    }

    public void Start()
    {
        foreach (var host in _hosts)
        {
            _ = Task.Run(() => KeepAsync(host));
        }
    }

    public void Dispose()
    {
        if (!_ended.IsCancellationRequested)
        {
            _ending.Cancel();
            _ending.Dispose();
        }
    }

    private async Task KeepAsync(string host)
    {
        var failures = 0;
        try
        {
            while (true)
            {
                var addresses = await ResolveAsync(host).ConfigureAwait(false);
                failures = addresses.IsEmpty ? failures + 1 : 0;
                Take(host, addresses);
                var pause = failures == 0 ? _settings.Refresh : BackOff(failures);
                await Task.Delay(pause + (_settings.Jitter * Random.Shared.NextDouble()), _time, _ended).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The cluster is gone, or was sent anew.
            return;
        }
    }

    private TimeSpan BackOff(int failures)
    {
        var pause = _settings.Retry * Math.Pow(2, Math.Min(failures - 1, 20));
        return pause < _settings.MaxRetry ? pause : _settings.MaxRetry;
    }

    /// <summary>Empty when there was no answer, or none with an address.</summary>
    private async Task<ImmutableArray<IPAddress>> ResolveAsync(string host)
    {
        foreach (var family in Families(_settings.Family))
        {
            try
            {
                var addresses = await _resolver.ResolveAsync(host, family, _ended).ConfigureAwait(false);
                if (addresses.Length > 0)
                {
                    return _settings.OnlyFirst ? [addresses[0]] : [.. addresses];
                }
            }
            catch (SocketException)
            {
                // The next family may have an answer; if not, the one before it stays.
                continue;
            }
        }

        return [];
    }

    private void Take(string host, ImmutableArray<IPAddress> addresses)
    {
        lock (_gate)
        {
            var isNew = !addresses.IsEmpty && !(_addresses.TryGetValue(host, out var before) && before.ToHashSet().SetEquals(addresses));
            if (isNew)
            {
                _addresses = _addresses.SetItem(host, addresses);
            }

            var isLast = _unasked.Remove(host) && _unasked.Count == 0;
            if (_unasked.Count > 0 || !(isLast || isNew))
            {
                return;
            }
        }

        _changed(this);
    }

    private static AddressFamily[] Families(DnsFamily family) => family switch
    {
        DnsFamily.V4Only => [AddressFamily.InterNetwork],
        DnsFamily.V6Only => [AddressFamily.InterNetworkV6],
        DnsFamily.V4Preferred => [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6],
        DnsFamily.All => [AddressFamily.Unspecified],
        _ => [AddressFamily.InterNetworkV6, AddressFamily.InterNetwork],
    };
}
