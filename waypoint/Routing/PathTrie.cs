namespace Waypoint.Proxy.Routing;

/// <summary>
/// Routes by exact path, path prefix, path-element prefix and the literal beginning of expressions, in one radix tree: a request's path
/// is walked once.
/// </summary>
internal sealed class PathTrie
{
    private readonly Node _root;
    private readonly bool _ignoreCase;

    private PathTrie(Node root, bool ignoreCase)
    {
        _root = root;
        _ignoreCase = ignoreCase;
    }

    /// <summary>Lowers <paramref name="best"/> to the first route that matches, if there is one before it.</summary>
    public void Search(Route[] routes, in RequestHead request, ref int best) => Search(_root, request.Path, routes, request, ref best);

    private void Search(Node node, ReadOnlySpan<char> rest, Route[] routes, in RequestHead request, ref int best)
    {
        // Longer paths first: control planes sort them to the front, and an early find spares the rest.
        if (!rest.IsEmpty && node.Child(Fold(rest[0], _ignoreCase)) is { } child && rest.StartsWith(child.Label, Comparison(_ignoreCase)))
        {
            Search(child, rest[child.Label.Length..], routes, request, ref best);
        }

        if (rest.IsEmpty)
        {
            node.Exact?.Search(routes, request, ref best);
        }

        if (rest.IsEmpty || rest[0] == '/')
        {
            node.SegmentPrefix?.Search(routes, request, ref best);
        }

        node.Prefix?.Search(routes, request, ref best);
        node.Pattern?.Search(routes, request, ref best);
    }

    private static StringComparison Comparison(bool ignoreCase) =>
        ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    private static char Fold(char c, bool ignoreCase) => ignoreCase ? char.ToUpperInvariant(c) : c;

    /// <summary>A place in the tree: the routes whose path ends here, and what may follow.</summary>
    private sealed class Node(string label, string firsts, Node[] children)
    {
        public string Label { get; } = label;

        public CandidateSet? Exact { get; init; }

        public CandidateSet? Prefix { get; init; }

        public CandidateSet? SegmentPrefix { get; init; }

        public CandidateSet? Pattern { get; init; }

        public Node? Child(char first)
        {
            var index = firsts.AsSpan().IndexOf(first);
            return index < 0 ? null : children[index];
        }
    }

    internal sealed class Builder(bool ignoreCase)
    {
        private readonly Dictionary<string, Lists> _byPath =
            new(ignoreCase ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);

        public void Add(PathMatch path, int route)
        {
            var (value, kind) = path switch
            {
                PathExact exact => (exact.Value, Kind.Exact),
                PathPrefix prefix => (prefix.Value, Kind.Prefix),
                PathSegmentPrefix segments => (segments.Value, Kind.SegmentPrefix),
                PathRegex regex => (regex.LiteralPrefix, Kind.Pattern),
                _ => ("", Kind.Pattern),
            };
            if (!_byPath.TryGetValue(value, out var lists))
            {
                _byPath.Add(value, lists = new Lists());
            }

            lists.Of(kind).Add(route);
        }

        /// <summary>Null when nothing was added.</summary>
        public PathTrie? Build(Route[] routes)
        {
            if (_byPath.Count == 0)
            {
                return null;
            }

            var sorted = _byPath.Select(p => (Path: ignoreCase ? p.Key.ToUpperInvariant() : p.Key, p.Value)).ToArray();
            Array.Sort(sorted, (a, b) => string.CompareOrdinal(a.Path, b.Path));
            return new PathTrie(Build(routes, sorted, from: 0, depth: 0), ignoreCase);
        }

        // All of sorted share their first depth characters; the node's own label begins at from.
        private static Node Build(Route[] routes, ReadOnlySpan<(string Path, Lists Lists)> sorted, int from, int depth)
        {
            var label = sorted[0].Path[from..depth];
            var here = sorted[0].Path.Length == depth ? sorted[0].Lists : null;
            var below = here is null ? sorted : sorted[1..];
            var firsts = new List<char>();
            var children = new List<Node>();
            while (!below.IsEmpty)
            {
                var first = below[0].Path[depth];
                var count = 1;
                while (count < below.Length && below[count].Path[depth] == first)
                {
                    count++;
                }

                // Sorted, so what the first and the last share is what all of them share.
                var common = below[0].Path.AsSpan().CommonPrefixLength(below[count - 1].Path);
                firsts.Add(first);
                children.Add(Build(routes, below[..count], depth, common));
                below = below[count..];
            }

            return new Node(label, string.Concat(firsts), [.. children])
            {
                Exact = Set(routes, here, Kind.Exact),
                Prefix = Set(routes, here, Kind.Prefix),
                SegmentPrefix = Set(routes, here, Kind.SegmentPrefix),
                Pattern = Set(routes, here, Kind.Pattern),
            };
        }

        private static CandidateSet? Set(Route[] routes, Lists? lists, Kind kind) =>
            lists is null || lists.Of(kind) is { Count: 0 } ? null : CandidateSet.Of(routes, lists.Of(kind), pathKnown: kind != Kind.Pattern);

        private enum Kind
        {
            Exact,
            Prefix,
            SegmentPrefix,

            /// <summary>Being here is needed but not enough.</summary>
            Pattern,
        }

        private sealed class Lists
        {
            private readonly List<int>[] _lists = [[], [], [], []];

            public List<int> Of(Kind kind) => _lists[(int)kind];
        }
    }
}
