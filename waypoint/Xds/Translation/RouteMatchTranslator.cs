using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;
using Envoy.Type.V3;
using Waypoint.Proxy.Routing;
using RouteMatch = Waypoint.Proxy.Routing.RouteMatch;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>The conditions of a route. One that is not supported makes the resource unusable.</summary>
internal static class RouteMatchTranslator
{
    public static RouteMatch Translate(Envoy.Config.Route.V3.RouteMatch match, TranslationScope scope)
    {
        using var part = scope.Enter("match");
        if (match.TlsContext is not null)
        {
            throw scope.Invalid("tls_context", "not supported");
        }

        if (match.DynamicMetadata.Count > 0)
        {
            throw scope.Invalid("dynamic_metadata", "not supported");
        }

        return new RouteMatch
        {
            Path = Path(match, scope),
            Headers = [.. match.Headers.Select(header => Header(header, scope))],
            Query = [.. match.QueryParameters.Select(parameter => Query(parameter, scope))],
            Grpc = match.Grpc is not null,
            Fraction = match.RuntimeFraction is null ? null : Share(match.RuntimeFraction),
        };
    }

    /// <summary>The default of a run-time fraction: there is no run-time layer here to override it.</summary>
    public static Fraction Share(RuntimeFractionalPercent fraction) => Share(fraction.DefaultValue);

    /// <summary>Absent is none.</summary>
    public static Fraction Share(FractionalPercent? percent) => new(percent?.Numerator ?? 0, percent?.Denominator switch
    {
        FractionalPercent.Types.DenominatorType.TenThousand => 10_000,
        FractionalPercent.Types.DenominatorType.Million => 1_000_000,
        _ => 100,
    });

    private static PathMatch Path(Envoy.Config.Route.V3.RouteMatch match, TranslationScope scope)
    {
        var ignoreCase = match.CaseSensitive is false;
        switch (match.PathSpecifierCase)
        {
            case Envoy.Config.Route.V3.RouteMatch.PathSpecifierOneofCase.Path:
                return new PathExact(match.Path, ignoreCase);
            case Envoy.Config.Route.V3.RouteMatch.PathSpecifierOneofCase.Prefix:
                return new PathPrefix(match.Prefix, ignoreCase);
            case Envoy.Config.Route.V3.RouteMatch.PathSpecifierOneofCase.PathSeparatedPrefix:
                var prefix = match.PathSeparatedPrefix;
                return prefix is ['/', _, ..] && !prefix.EndsWith('/') && prefix.AsSpan().IndexOfAny('?', '#') < 0
                    ? new PathSegmentPrefix(prefix, ignoreCase)
                    : throw scope.Invalid("path_separated_prefix", $"'{prefix}' must begin with a slash, not end with one, and hold neither '?' nor '#'");
            case Envoy.Config.Route.V3.RouteMatch.PathSpecifierOneofCase.SafeRegex:
                var pattern = match.SafeRegex.Regex;
                return new PathRegex(StringTranslator.FullMatch(pattern, scope, "safe_regex"), Re2Pattern.LiteralPrefix(pattern));
            case Envoy.Config.Route.V3.RouteMatch.PathSpecifierOneofCase.ConnectMatcher:
                throw scope.Invalid("connect_matcher", "not supported");
            case Envoy.Config.Route.V3.RouteMatch.PathSpecifierOneofCase.PathMatchPolicy:
                throw scope.Invalid("path_match_policy", $"'{match.PathMatchPolicy.Name}' is not supported");
            case Envoy.Config.Route.V3.RouteMatch.PathSpecifierOneofCase.None:
            default:
                throw scope.Invalid("path_specifier", "missing");
        }
    }

    public static HeaderMatch Header(HeaderMatcher matcher, TranslationScope scope)
    {
        if (matcher.Name.Length == 0)
        {
            throw scope.Invalid("headers.name", "empty");
        }

        using var part = scope.Enter($"header '{matcher.Name}'");
        HeaderMatch match = matcher.HeaderMatchSpecifierCase switch
        {
            HeaderMatcher.HeaderMatchSpecifierOneofCase.StringMatch =>
                new HeaderString(matcher.Name, StringTranslator.Translate(matcher.StringMatch, scope, "string_match").OnTheWire()),
            HeaderMatcher.HeaderMatchSpecifierOneofCase.ExactMatch => new HeaderString(matcher.Name, new ExactString(WireText.Of(matcher.ExactMatch))),
            HeaderMatcher.HeaderMatchSpecifierOneofCase.PrefixMatch => new HeaderString(matcher.Name, new StringPrefix(WireText.Of(matcher.PrefixMatch))),
            HeaderMatcher.HeaderMatchSpecifierOneofCase.SuffixMatch => new HeaderString(matcher.Name, new StringSuffix(WireText.Of(matcher.SuffixMatch))),
            HeaderMatcher.HeaderMatchSpecifierOneofCase.ContainsMatch => new HeaderString(matcher.Name, new StringContains(WireText.Of(matcher.ContainsMatch))),
            HeaderMatcher.HeaderMatchSpecifierOneofCase.SafeRegexMatch =>
                new HeaderString(matcher.Name, new StringRegex(StringTranslator.FullMatch(matcher.SafeRegexMatch.Regex, scope, "safe_regex_match"))),
            HeaderMatcher.HeaderMatchSpecifierOneofCase.RangeMatch =>
                new HeaderRange(matcher.Name, matcher.RangeMatch.Start, matcher.RangeMatch.End),
            HeaderMatcher.HeaderMatchSpecifierOneofCase.PresentMatch => new HeaderPresence(matcher.Name, matcher.PresentMatch),

            // Envoy: no specifier asks for presence.
            _ => new HeaderPresence(matcher.Name),
        };
        return match with { Invert = matcher.InvertMatch, TreatMissingAsEmpty = matcher.TreatMissingHeaderAsEmpty };
    }

    private static QueryMatch Query(QueryParameterMatcher matcher, TranslationScope scope)
    {
        if (matcher.Name.Length == 0)
        {
            throw scope.Invalid("query_parameters.name", "empty");
        }

        using var part = scope.Enter($"query parameter '{matcher.Name}'");
        return matcher.QueryParameterMatchSpecifierCase switch
        {
            QueryParameterMatcher.QueryParameterMatchSpecifierOneofCase.StringMatch =>
                new QueryMatch(matcher.Name, StringTranslator.Translate(matcher.StringMatch, scope, "string_match")),
            QueryParameterMatcher.QueryParameterMatchSpecifierOneofCase.PresentMatch =>
                new QueryMatch(matcher.Name, null) { Present = matcher.PresentMatch },
            _ => new QueryMatch(matcher.Name, null),
        };
    }
}
