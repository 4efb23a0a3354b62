using System.Text.RegularExpressions;

namespace Waypoint.Proxy.Routing;

/// <summary>A condition on one string (Envoy's <c>StringMatcher</c>).</summary>
internal abstract record StringMatch
{
    public abstract bool Matches(ReadOnlySpan<char> value);

    protected static StringComparison Comparison(bool ignoreCase) =>
        ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
}

internal sealed record ExactString(string Value, bool IgnoreCase = false) : StringMatch
{
    public override bool Matches(ReadOnlySpan<char> value) => value.Equals(Value, Comparison(IgnoreCase));
}

internal sealed record StringPrefix(string Value, bool IgnoreCase = false) : StringMatch
{
    public override bool Matches(ReadOnlySpan<char> value) => value.StartsWith(Value, Comparison(IgnoreCase));
}

internal sealed record StringSuffix(string Value, bool IgnoreCase = false) : StringMatch
{
    public override bool Matches(ReadOnlySpan<char> value) => value.EndsWith(Value, Comparison(IgnoreCase));
}

internal sealed record StringContains(string Value, bool IgnoreCase = false) : StringMatch
{
    public override bool Matches(ReadOnlySpan<char> value) => value.Contains(Value, Comparison(IgnoreCase));
}

/// <param name="Pattern">Made by <see cref="Re2Pattern.FullMatch"/>.</param>
internal sealed record StringRegex(Regex Pattern) : StringMatch
{
    public override bool Matches(ReadOnlySpan<char> value) => Pattern.IsMatch(value);
}
