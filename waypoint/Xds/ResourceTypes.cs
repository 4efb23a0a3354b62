namespace Waypoint.Proxy.Xds;

/// <summary>Type URLs of what a waypoint subscribes to.</summary>
internal static class ResourceTypes
{
    public const string Listener = "type.googleapis.com/envoy.config.listener.v3.Listener";
    public const string Cluster = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
    public const string Endpoints = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
    public const string Routes = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
    public const string Extension = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
    public const string Secret = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
    public const string Workload = "type.googleapis.com/istio.workload.Workload";
}
