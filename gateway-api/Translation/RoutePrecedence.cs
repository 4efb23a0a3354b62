namespace Waypoint.GatewayApi.Translation;

/// <summary>One match of one rule of one route. Routes count from the oldest, rules and matches in their written order.</summary>
internal readonly record struct OrderedMatch(TranslatedMatch Match, int Route, int Rule, int Position);

/// <summary>
/// The Gateway API's precedence: exact path, then the longest prefix, a method, the most headers, the most query parameters, the
/// oldest route, the first rule. Where the API leaves regular expressions open, istiod puts them behind every prefix.
/// </summary>
internal sealed class RoutePrecedence : IComparer<OrderedMatch>
{
    public static RoutePrecedence Instance { get; } = new();

    public int Compare(OrderedMatch x, OrderedMatch y)
    {
        int order = y.Match.Rank.CompareTo(x.Match.Rank);
        order = order != 0 ? order : y.Match.Path.Length.CompareTo(x.Match.Path.Length);
        order = order != 0 ? order : (y.Match.Source.Method is not null).CompareTo(x.Match.Source.Method is not null);
        order = order != 0 ? order : y.Match.Source.Headers.Length.CompareTo(x.Match.Source.Headers.Length);
        order = order != 0 ? order : y.Match.Source.QueryParams.Length.CompareTo(x.Match.Source.QueryParams.Length);
        order = order != 0 ? order : x.Route.CompareTo(y.Route);
        order = order != 0 ? order : x.Rule.CompareTo(y.Rule);
        return order != 0 ? order : x.Position.CompareTo(y.Position);
    }
}
