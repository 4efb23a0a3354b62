using System.Collections.Frozen;

namespace Waypoint.Proxy.Routing;

/// <summary>
/// The routes of one service port. Immutable: a change builds a new table. The authority chooses a virtual host
/// (exact name, then longest suffix, then longest prefix, then <c>*</c>: Envoy's order); in it the first route whose
/// conditions all hold is the one. The order is the control plane's; <see cref="RouteIndex"/> only finds that route faster.
/// </summary>
internal sealed class RouteTable
{
    private readonly FrozenDictionary<string, RouteIndex>.AlternateLookup<ReadOnlySpan<char>> _exact;
    private readonly (string Suffix, RouteIndex Routes)[] _suffixes;
    private readonly (string Prefix, RouteIndex Routes)[] _prefixes;
    private readonly RouteIndex? _any;

    /// <summary>A table whose routes serve every authority.</summary>
    public RouteTable(IEnumerable<Route> routes)
        : this([new VirtualHost("*", ["*"], [.. routes])])
    {
    }

    /// <exception cref="ArgumentException">A domain occurs twice.</exception>
    public RouteTable(IReadOnlyList<VirtualHost> hosts)
    {
        VirtualHosts = hosts;
        Routes = [.. hosts.SelectMany(host => host.Routes)];
        var exact = new Dictionary<string, RouteIndex>(StringComparer.OrdinalIgnoreCase);
        var suffixes = new Dictionary<string, RouteIndex>(StringComparer.OrdinalIgnoreCase);
        var prefixes = new Dictionary<string, RouteIndex>(StringComparer.OrdinalIgnoreCase);
        foreach (var host in hosts)
        {
            var index = new RouteIndex(host.Routes);
            foreach (var domain in host.Domains)
            {
                var added = domain switch
                {
                    "*" => _any is null && (_any = index) is not null,
                    ['*', .. var suffix] => suffixes.TryAdd(suffix, index),
                    [.. var prefix, '*'] => prefixes.TryAdd(prefix, index),
                    _ => exact.TryAdd(domain, index),
                };
                if (!added)
                {
                    throw new ArgumentException($"virtual host '{host.Name}': the domain '{domain}' occurs twice");
                }
            }
        }

        _exact = exact.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();
        _suffixes = [.. suffixes.Select(s => (s.Key, s.Value)).OrderByDescending(s => s.Key.Length)];
        _prefixes = [.. prefixes.Select(p => (p.Key, p.Value)).OrderByDescending(p => p.Key.Length)];
    }

    public static RouteTable Empty { get; } = new(Array.Empty<VirtualHost>());

    public IReadOnlyList<VirtualHost> VirtualHosts { get; }

    /// <summary>The routes of all virtual hosts.</summary>
    public IReadOnlyList<Route> Routes { get; }

    /// <summary>Finds the route for a request; null when none applies (the answer is 404). Allocates nothing.</summary>
    public Route? Match(in RequestHead request) => Host(request.Authority)?.Match(request);

    private RouteIndex? Host(ReadOnlySpan<char> authority)
    {
        if (_exact.TryGetValue(authority, out var exact))
        {
            return exact;
        }

        // A wildcard stands for at least one character.
        foreach (var (suffix, routes) in _suffixes)
        {
            if (authority.Length > suffix.Length && authority.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                return routes;
            }
        }

        foreach (var (prefix, routes) in _prefixes)
        {
            if (authority.Length > prefix.Length && authority.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                return routes;
            }
        }

        return _any;
    }
}
