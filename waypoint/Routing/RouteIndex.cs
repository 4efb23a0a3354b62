namespace Waypoint.Proxy.Routing;

/// <summary>
/// Finds the first route, in the order given, whose conditions all hold: as a linear scan would, but looking only at routes
/// whose path can match. Immutable; matching allocates nothing.
/// </summary>
/// <remarks>
/// Paths lead into a trie; each place in it holds the routes of that path, split further by a header, the method or a query parameter when
/// many routes of one path differ in its exact value (<see cref="CandidateSet"/>). Regular expressions stand where their literal beginning leads.
/// <para>
/// Measured on one core, in nanoseconds a match, for 10, 1,000 and 10,000 routes: exact paths 29, 66, 84; prefixes 31, 67, 87; one header's exact value
/// on one path 91, 104, 107; path and header 86, 128, 146 (a linear scan over the headers: 180, 16,000, 280,000). Of 1,000 expressions
/// with different beginnings the right one is found in about 1,000 (all tried: 390,000). Building an index of 10,000 routes takes 10 to 18 ms.
/// </para>
/// </remarks>
internal sealed class RouteIndex
{
    private readonly Route[] _routes;
    private readonly PathTrie? _paths;
    private readonly PathTrie? _pathsWithoutCase;

    public RouteIndex(IReadOnlyList<Route> routes)
    {
        _routes = [.. routes];
        var paths = new PathTrie.Builder(ignoreCase: false);
        var pathsWithoutCase = new PathTrie.Builder(ignoreCase: true);
        for (var i = 0; i < _routes.Length; i++)
        {
            var path = _routes[i].Match.Path;
            var ignoreCase = path is PathExact { IgnoreCase: true } or PathPrefix { IgnoreCase: true } or PathSegmentPrefix { IgnoreCase: true };
            (ignoreCase ? pathsWithoutCase : paths).Add(path, i);
        }

        _paths = paths.Build(_routes);
        _pathsWithoutCase = pathsWithoutCase.Build(_routes);
    }

    public Route? Match(in RequestHead request)
    {
        var best = int.MaxValue;
        _paths?.Search(_routes, request, ref best);
        _pathsWithoutCase?.Search(_routes, request, ref best);
        return best == int.MaxValue ? null : _routes[best];
    }
}
