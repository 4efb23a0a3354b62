namespace Waypoint.Proxy.Mesh;

/// <summary>The byte-for-byte behaviour of one service port.</summary>
/// <param name="Name">istiod's name for it, such as <c>inbound-vip|9090|tcp|echo.shop.svc.cluster.local</c>.</param>
/// <param name="Clusters">Where a connection goes; the choice is made once per connection.</param>
internal sealed record TcpChain(string Name, WeightedClusters Clusters);
