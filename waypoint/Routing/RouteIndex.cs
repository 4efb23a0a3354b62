namespace Waypoint.Proxy.Routing;

/// <summary>Finds the first route, in the order given, whose conditions all hold.</summary>
internal sealed class RouteIndex(IReadOnlyList<Route> routes)
{
    public Route? Match(in RequestHead request)
    {
        foreach (var route in routes)
        {
            if (route.Match.Matches(request))
            {
                return route;
            }
        }

        return null;
    }
}
