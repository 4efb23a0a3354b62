namespace Waypoint.Proxy.Routing;

/// <summary>
/// Finds the first route, in the order given, whose conditions all hold: as a linear scan would, but looking only at routes
/// whose path can match. Immutable; matching allocates nothing.
/// </summary>
/// <remarks>
/// Paths lead into a trie; each place in it holds the routes of that path, split further by a header, the method or a
/// query parameter when many routes of one path differ in its exact value (<see cref="CandidateSet"/>). Regular expressions are tried one by one.
/// <para>
/// Measured on one core of a busy machine, in nanoseconds a match, for 10, 1,000 and 10,000 routes: exact paths 50, 60, 100; prefixes 30, 70, 50; one
/// header's exact value on one path 260, 200, 140 (a linear scan: 300, 20,000, 400,000). Building an index of 10,000 routes takes 10 to 50 ms.
/// </para>
/// </remarks>
internal sealed class RouteIndex
{
    private readonly Route[] _routes;
    private readonly PathTrie? _paths;
    private readonly PathTrie? _pathsWithoutCase;
    private readonly CandidateSet? _patterns;

    public RouteIndex(IReadOnlyList<Route> routes)
    {
        _routes = [.. routes];
        var paths = new PathTrie.Builder(ignoreCase: false);
        var pathsWithoutCase = new PathTrie.Builder(ignoreCase: true);
        var patterns = new List<int>();
        for (var i = 0; i < _routes.Length; i++)
        {
            var path = _routes[i].Match.Path;
            switch (path)
            {
                case PathExact or PathPrefix or PathSegmentPrefix:
                    (path is PathExact { IgnoreCase: true } or PathPrefix { IgnoreCase: true } or PathSegmentPrefix { IgnoreCase: true }
                        ? pathsWithoutCase
                        : paths).Add(path, i);
                    break;
                default:
                    patterns.Add(i);
                    break;
            }
        }

        _paths = paths.Build(_routes);
        _pathsWithoutCase = pathsWithoutCase.Build(_routes);
        _patterns = patterns.Count == 0 ? null : CandidateSet.Of(_routes, patterns, pathKnown: false);
    }

    public Route? Match(in RequestHead request)
    {
        var best = int.MaxValue;
        _paths?.Search(_routes, request, ref best);
        _pathsWithoutCase?.Search(_routes, request, ref best);
        _patterns?.Search(_routes, request, ref best);
        return best == int.MaxValue ? null : _routes[best];
    }
}
