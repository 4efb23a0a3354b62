using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.LocalRateLimit;

namespace Waypoint.Proxy.Routing;

/// <summary>One route: when it applies, what it does, and which headers it changes on the way.</summary>
internal sealed record Route(
    string Name,
    RouteMatch Match,
    RouteAction Action,
    HeaderMutations RequestHeaders,
    HeaderMutations ResponseHeaders)
{
    /// <summary>What traces call its requests (the route's decorator); empty when the configuration does not say.</summary>
    public string Operation { get; init; } = "";

    /// <summary>What it says of the chain's filters.</summary>
    public RouteFilterSettings FilterSettings { get; init; } = RouteFilterSettings.None;

    /// <summary>What its requests are in the terms of rate limits.</summary>
    public RouteRateLimits RateLimits { get; init; } = RouteRateLimits.None;
}
