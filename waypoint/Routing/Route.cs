using Waypoint.Proxy.Filters;

namespace Waypoint.Proxy.Routing;

/// <summary>One route: when it applies, what it does, and which headers it changes on the way.</summary>
internal sealed record Route(
    string Name,
    RouteMatch Match,
    RouteAction Action,
    HeaderMutations RequestHeaders,
    HeaderMutations ResponseHeaders)
{
    /// <summary>What it says of the chain's filters.</summary>
    public RouteFilterSettings FilterSettings { get; init; } = RouteFilterSettings.None;
}
