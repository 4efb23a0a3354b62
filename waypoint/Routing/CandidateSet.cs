namespace Waypoint.Proxy.Routing;

/// <summary>
/// Routes that the path alone cannot tell apart. A few are tried one after the other; of many, those that ask for an exact value of
/// one header, method or query parameter are found by that value.
/// </summary>
internal abstract class CandidateSet
{
    // Below this a split costs more than it spares: a lookup of one header is about four tries.
    private const int SmallestSplit = 8;

    // A bound for configurations that use hundreds of different headers.
    private const int MostSplits = 16;

    /// <summary>Lowers <paramref name="best"/> to the first route of this set that matches, if there is one before it.</summary>
    public abstract void Search(Route[] routes, in RequestHead request, ref int best);

    /// <param name="routes">All routes of the index.</param>
    /// <param name="members">Indices into <paramref name="routes"/>, ascending.</param>
    /// <param name="pathKnown">The path's condition holds already for whoever gets here.</param>
    public static CandidateSet Of(Route[] routes, List<int> members, bool pathKnown) => Of(routes, members, pathKnown, []);

    private static CandidateSet Of(Route[] routes, List<int> members, bool pathKnown, HashSet<Key> used)
    {
        if (members.Count < SmallestSplit || used.Count >= MostSplits || MostCommonKey(routes, members, used) is not { } key)
        {
            return new Sequence([.. members], pathKnown);
        }

        var byValue = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        var rest = new List<int>();
        foreach (var member in members)
        {
            if (key.ExactValueIn(routes[member].Match) is not { } value)
            {
                rest.Add(member);
            }
            else if (byValue.TryGetValue(value, out var list))
            {
                list.Add(member);
            }
            else
            {
                byValue.Add(value, [member]);
            }
        }

        HashSet<Key> usedNow = [.. used, key];
        var sets = new Dictionary<string, CandidateSet>(byValue.Count, StringComparer.Ordinal);
        foreach (var (value, list) in byValue)
        {
            sets.Add(value, Of(routes, list, pathKnown, usedNow));
        }

        return new Split(key, sets, rest.Count == 0 ? null : Of(routes, rest, pathKnown, usedNow));
    }

    private static Key? MostCommonKey(Route[] routes, List<int> members, HashSet<Key> used)
    {
        var counts = new Dictionary<Key, int>();
        Key? most = null;
        var highest = SmallestSplit - 1;
        foreach (var member in members)
        {
            foreach (var key in Key.AllIn(routes[member].Match))
            {
                var count = counts[key] = counts.GetValueOrDefault(key) + 1;
                if (count > highest && !used.Contains(key))
                {
                    (most, highest) = (key, count);
                }
            }
        }

        return most;
    }

    /// <summary>The header (or pseudo header) or query parameter that a split goes by.</summary>
    private readonly record struct Key(string Name, bool IsQuery)
    {
        public static IEnumerable<Key> AllIn(RouteMatch match) =>
            match.Headers.Where(h => ExactValue(h) is not null).Select(h => new Key(h.Name.ToUpperInvariant(), false))
                .Concat(match.Query.Where(q => ExactValue(q) is not null).Select(q => new Key(q.Name, true)));

        /// <summary>The value that <paramref name="match"/> asks for; null when it does not ask for an exact one.</summary>
        public string? ExactValueIn(RouteMatch match)
        {
            var key = this;
            return IsQuery
                ? match.Query.Where(q => q.Name == key.Name).Select(ExactValue).FirstOrDefault(v => v is not null)
                : match.Headers.Where(h => h.Name.Equals(key.Name, StringComparison.OrdinalIgnoreCase))
                    .Select(ExactValue).FirstOrDefault(v => v is not null);
        }

        private static string? ExactValue(HeaderMatch header) =>
            header is HeaderString { Invert: false, TreatMissingAsEmpty: false, Value: ExactString { IgnoreCase: false, Value: var value } } ? value : null;

        private static string? ExactValue(QueryMatch query) =>
            query is { Value: ExactString { IgnoreCase: false, Value: var value } } ? value : null;
    }

    private sealed class Sequence(int[] members, bool pathKnown) : CandidateSet
    {
        public override void Search(Route[] routes, in RequestHead request, ref int best)
        {
            foreach (var member in members)
            {
                if (member >= best)
                {
                    return;
                }

                var match = routes[member].Match;
                if (pathKnown ? match.MatchesBeyondPath(request) : match.Matches(request))
                {
                    best = member;
                    return;
                }
            }
        }
    }

    private sealed class Split(Key key, Dictionary<string, CandidateSet> byValue, CandidateSet? rest) : CandidateSet
    {
        private readonly HeaderMatch? _header = key.IsQuery ? null : new HeaderPresence(key.Name.StartsWith(':') ? key.Name.ToLowerInvariant() : key.Name);
        private readonly Dictionary<string, CandidateSet>.AlternateLookup<ReadOnlySpan<char>> _byValue =
            byValue.GetAlternateLookup<ReadOnlySpan<char>>();

        public override void Search(Route[] routes, in RequestHead request, ref int best)
        {
            if (_header is null)
            {
                if (QueryMatch.TryGetFirst(request.Query, key.Name, out var parameter))
                {
                    Search(parameter, routes, request, ref best);
                }
            }
            else
            {
                var count = _header.Read(request, out var first, out var all);
                for (var i = 0; i < count; i++)
                {
                    Search(i == 0 ? first : all[i], routes, request, ref best);
                }
            }

            rest?.Search(routes, request, ref best);
        }

        private void Search(ReadOnlySpan<char> value, Route[] routes, in RequestHead request, ref int best)
        {
            if (_byValue.TryGetValue(value, out var set))
            {
                set.Search(routes, request, ref best);
            }
        }
    }
}
