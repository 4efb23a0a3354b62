using System.Text.RegularExpressions;

namespace Waypoint.Proxy.Routing;

/// <summary>A condition on the path, which never includes the query.</summary>
internal abstract record PathMatch
{
    public static PathMatch Any { get; } = new PathPrefix("/");

    public abstract bool Matches(ReadOnlySpan<char> path);

    protected static StringComparison Comparison(bool ignoreCase) =>
        ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
}

internal sealed record PathExact(string Value, bool IgnoreCase = false) : PathMatch
{
    public override bool Matches(ReadOnlySpan<char> path) => path.Equals(Value, Comparison(IgnoreCase));
}

/// <summary>A prefix by characters: <c>/a</c> matches <c>/ab</c>.</summary>
internal sealed record PathPrefix(string Value, bool IgnoreCase = false) : PathMatch
{
    public override bool Matches(ReadOnlySpan<char> path) => path.StartsWith(Value, Comparison(IgnoreCase));
}

/// <summary>A prefix by path elements: <c>/a</c> matches <c>/a</c> and <c>/a/b</c>, never <c>/ab</c>. <paramref name="Value"/> has no slash at its end.</summary>
internal sealed record PathSegmentPrefix(string Value, bool IgnoreCase = false) : PathMatch
{
    public override bool Matches(ReadOnlySpan<char> path) =>
        path.StartsWith(Value, Comparison(IgnoreCase)) && (path.Length == Value.Length || path[Value.Length] == '/');
}

/// <param name="Pattern">Made by <see cref="Re2Pattern.FullMatch"/>.</param>
/// <param name="LiteralPrefix">What every path begins with that the pattern can match (<see cref="Re2Pattern.LiteralPrefix"/>).</param>
internal sealed record PathRegex(Regex Pattern, string LiteralPrefix = "") : PathMatch
{
    public override bool Matches(ReadOnlySpan<char> path) => Pattern.IsMatch(path);
}
