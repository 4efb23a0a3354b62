namespace Waypoint.Proxy.Routing;

/// <summary>The routes of one service port, in the order in which they are tried. Immutable: a change builds a new table.</summary>
internal sealed class RouteTable
{
    public RouteTable(IEnumerable<Route> routes) => Routes = [.. routes];

    public static RouteTable Empty { get; } = new([]);

    public IReadOnlyList<Route> Routes { get; }
}
