namespace Waypoint.Proxy.Routing;

/// <summary>The routes for some authorities.</summary>
/// <param name="Name">As the configuration calls it.</param>
/// <param name="Domains">
/// Exact names (<c>a.example</c>, <c>a.example:80</c>), suffixes (<c>*.example</c>), prefixes (<c>a.*</c>) or <c>*</c>; compared without case.
/// </param>
/// <param name="Routes">In the order in which they are tried.</param>
internal sealed record VirtualHost(string Name, IReadOnlyList<string> Domains, IReadOnlyList<Route> Routes);
