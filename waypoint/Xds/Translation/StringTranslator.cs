using System.Text.RegularExpressions;
using Waypoint.Proxy.Routing;
using StringMatcher = Envoy.Type.Matcher.V3.StringMatcher;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Conditions on strings.</summary>
internal static class StringTranslator
{
    public static StringMatch Translate(StringMatcher matcher, TranslationScope scope, string field) => matcher.MatchPatternCase switch
    {
        StringMatcher.MatchPatternOneofCase.Exact => new ExactString(matcher.Exact, matcher.IgnoreCase),
        StringMatcher.MatchPatternOneofCase.Prefix => new StringPrefix(matcher.Prefix, matcher.IgnoreCase),
        StringMatcher.MatchPatternOneofCase.Suffix => new StringSuffix(matcher.Suffix, matcher.IgnoreCase),
        StringMatcher.MatchPatternOneofCase.Contains => new StringContains(matcher.Contains, matcher.IgnoreCase),
        StringMatcher.MatchPatternOneofCase.SafeRegex => new StringRegex(FullMatch(matcher.SafeRegex.Regex, scope, $"{field}.safe_regex")),
        _ => throw scope.Invalid(field, "no match pattern, or one that is not supported"),
    };

    /// <summary>The same condition on text as headers hold it. Patterns stay as they are: what is not ASCII in them matches no header.</summary>
    public static StringMatch OnTheWire(this StringMatch match) => match switch
    {
        ExactString exact => exact with { Value = WireText.Of(exact.Value) },
        StringPrefix prefix => prefix with { Value = WireText.Of(prefix.Value) },
        StringSuffix suffix => suffix with { Value = WireText.Of(suffix.Value) },
        StringContains contains => contains with { Value = WireText.Of(contains.Value) },
        _ => match,
    };

    public static Regex FullMatch(string pattern, TranslationScope scope, string field) =>
        Compile(Re2Pattern.FullMatch, pattern, scope, field);

    public static Regex Search(string pattern, TranslationScope scope, string field) =>
        Compile(Re2Pattern.Search, pattern, scope, field);

    private static Regex Compile(Func<string, Regex> compile, string pattern, TranslationScope scope, string field)
    {
        try
        {
            return compile(pattern);
        }
        catch (Re2PatternException e)
        {
            throw scope.Invalid(field, e.Message, e);
        }
    }
}
