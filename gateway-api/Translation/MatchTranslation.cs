using Envoy.Config.Route.V3;
using Envoy.Type.Matcher.V3;
using Waypoint.GatewayApi.Model;
using RouteMatch = Waypoint.GatewayApi.Model.RouteMatch;

namespace Waypoint.GatewayApi.Translation;

/// <summary>How specific a path is: Envoy takes the first route that matches, so more specific ones stand first.</summary>
internal enum PathRank
{
    None,
    Regex,
    Prefix,
    Exact,
}

/// <summary>A match in Envoy's words, with what decides its place among the others.</summary>
internal sealed record TranslatedMatch(Envoy.Config.Route.V3.RouteMatch Match, PathRank Rank, string Path, RouteMatch Source);

internal static class MatchTranslation
{
    public static TranslatedMatch Translate(RouteMatch match, bool grpc)
    {
        Envoy.Config.Route.V3.RouteMatch translated = new() { CaseSensitive = true };
        (PathRank rank, string path) = grpc ? GrpcPath(match.GrpcMethod) : HttpPath(match.Path);
        switch (rank)
        {
            case PathRank.Exact:
                translated.Path = path;
                break;
            case PathRank.Regex:
                translated.SafeRegex = new RegexMatcher { Regex = path };
                break;
            case PathRank.Prefix when path != "/":
                translated.PathSeparatedPrefix = path;
                break;
            default:
                translated.Prefix = "/";
                break;
        }

        if (match.Method is { } method)
        {
            translated.Headers.Add(new HeaderMatcher { Name = ":method", StringMatch = new StringMatcher { Exact = method } });
        }

        foreach (ValueMatch header in match.Headers)
        {
            translated.Headers.Add(new HeaderMatcher { Name = header.Name, StringMatch = Text(header) });
        }

        foreach (ValueMatch parameter in match.QueryParams)
        {
            translated.QueryParameters.Add(new QueryParameterMatcher { Name = parameter.Name, StringMatch = Text(parameter) });
        }

        return new TranslatedMatch(translated, rank, path, match);
    }

    /// <summary>What a span or a log calls the requests of a match.</summary>
    public static string Operation(TranslatedMatch match) => match.Rank is PathRank.Exact or PathRank.Regex ? match.Path : "/*";

    private static (PathRank Rank, string Path) HttpPath(PathMatch path) => path.Type switch
    {
        PathMatchType.Exact => (PathRank.Exact, path.Value),
        PathMatchType.RegularExpression => (PathRank.Regex, path.Value),
        // A trailing slash of a prefix means nothing: /abc/ matches /abc, too.
        _ => (PathRank.Prefix, path.Value.Length > 1 ? path.Value.TrimEnd('/') : path.Value),
    };

    private static (PathRank Rank, string Path) GrpcPath(GrpcMethodMatch? method) => method switch
    {
        null => (PathRank.None, "/"),
        { Regex: true } => (PathRank.Regex, $"/{method.Service ?? "[^/]+"}/{method.Method ?? ".+"}"),
        { Service: { } service, Method: { } name } => (PathRank.Exact, $"/{service}/{name}"),
        { Service: { } service } => (PathRank.Prefix, $"/{service}"),
        _ => (PathRank.Regex, $"/[^/]+/{method.Method}"),
    };

    private static StringMatcher Text(ValueMatch match) =>
        match.Regex ? new StringMatcher { SafeRegex = new RegexMatcher { Regex = match.Value } } : new StringMatcher { Exact = match.Value };
}
