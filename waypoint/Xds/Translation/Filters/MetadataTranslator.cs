using Envoy.Type.Matcher.V3;
using Waypoint.Proxy.Filters;

namespace Waypoint.Proxy.Xds.Translation.Filters;

/// <summary>Conditions on dynamic metadata.</summary>
internal static class MetadataTranslator
{
    /// <exception cref="ResourceException">It is not one that can be honoured.</exception>
    public static MetadataMatch Translate(MetadataMatcher matcher, TranslationScope scope)
    {
        using var part = scope.Enter("metadata");
        return matcher.Path.Count == 0 || matcher.Path.Any(segment => segment.SegmentCase != MetadataMatcher.Types.PathSegment.SegmentOneofCase.Key)
            ? throw scope.Invalid("path", "keys are needed")
            : new MetadataMatch(matcher.Filter, [.. matcher.Path.Select(segment => segment.Key)], Value(matcher.Value, scope), matcher.Invert);
    }

    private static ValueMatch Value(ValueMatcher? matcher, TranslationScope scope) => matcher?.MatchPatternCase switch
    {
        ValueMatcher.MatchPatternOneofCase.StringMatch => new ValueIsString(StringTranslator.Translate(matcher.StringMatch, scope, "value.string_match")),
        ValueMatcher.MatchPatternOneofCase.BoolMatch => new ValueIsBool(matcher.BoolMatch),
        ValueMatcher.MatchPatternOneofCase.PresentMatch => new ValueIsPresent(matcher.PresentMatch),
        ValueMatcher.MatchPatternOneofCase.NullMatch => new ValueIsPresent(false),
        ValueMatcher.MatchPatternOneofCase.DoubleMatch => Number(matcher.DoubleMatch, scope),
        ValueMatcher.MatchPatternOneofCase.ListMatch when matcher.ListMatch.OneOf is { } element => new ValueHasElement(Value(element, scope)),
        ValueMatcher.MatchPatternOneofCase.OrMatch => new ValueIsAnyOf([.. matcher.OrMatch.ValueMatchers.Select(choice => Value(choice, scope))]),
        _ => throw scope.Invalid("value", "no match pattern, or one that is not supported"),
    };

    private static ValueIsNumber Number(DoubleMatcher matcher, TranslationScope scope) => matcher.MatchPatternCase switch
    {
        DoubleMatcher.MatchPatternOneofCase.Exact => new ValueIsNumber(matcher.Exact, matcher.Exact),
        DoubleMatcher.MatchPatternOneofCase.Range => new ValueIsNumber(matcher.Range.Start, matcher.Range.End),
        _ => throw scope.Invalid("value.double_match", "no match pattern"),
    };
}
