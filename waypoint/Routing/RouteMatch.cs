namespace Waypoint.Proxy.Routing;

/// <summary>The conditions of a route; all must hold. The default matches every request.</summary>
internal sealed record RouteMatch
{
}
