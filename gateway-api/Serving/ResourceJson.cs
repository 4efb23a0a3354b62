using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Xds.Delta.Server;

namespace Waypoint.GatewayApi.Serving;

/// <summary>Resources as JSON, with everything inside their Anys.</summary>
internal static class ResourceJson
{
    /// <summary>Every message that a resource of ours holds in an Any, and the resources themselves.</summary>
    public static TypeRegistry Types { get; } = TypeRegistry.FromMessages(
        Envoy.Config.Listener.V3.Listener.Descriptor,
        Envoy.Config.Cluster.V3.Cluster.Descriptor,
        Envoy.Config.Endpoint.V3.ClusterLoadAssignment.Descriptor,
        Envoy.Extensions.Filters.Http.Cors.V3.Cors.Descriptor,
        Envoy.Extensions.Filters.Http.Fault.V3.HTTPFault.Descriptor,
        Envoy.Extensions.Filters.Http.GrpcStats.V3.FilterConfig.Descriptor,
        Envoy.Extensions.Filters.Http.Router.V3.Router.Descriptor,
        Envoy.Extensions.Filters.Listener.HttpInspector.V3.HttpInspector.Descriptor,
        Envoy.Extensions.Filters.Listener.OriginalDst.V3.OriginalDst.Descriptor,
        Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Descriptor,
        Envoy.Extensions.Filters.Network.SetFilterState.V3.Config.Descriptor,
        Envoy.Extensions.Filters.Network.TcpProxy.V3.TcpProxy.Descriptor,
        Envoy.Extensions.Matching.CommonInputs.Network.V3.ApplicationProtocolInput.Descriptor,
        Envoy.Extensions.RequestId.Uuid.V3.UuidRequestIdConfig.Descriptor,
        Envoy.Extensions.Retry.Host.PreviousHosts.V3.PreviousHostsPredicate.Descriptor,
        Envoy.Extensions.TransportSockets.InternalUpstream.V3.InternalUpstreamTransport.Descriptor,
        Envoy.Extensions.TransportSockets.RawBuffer.V3.RawBuffer.Descriptor,
        Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions.Descriptor,
        Istio.Security.Authorization.Descriptor,
        Istio.Workload.Address.Descriptor,
        Istio.Workload.Workload.Descriptor,
        global::Xds.Type.Matcher.V3.IPMatcher.Descriptor,
        StringValue.Descriptor);

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithTypeRegistry(Types));

    public static string Format(ServedResource resource) => Formatter.Format(new Any { TypeUrl = resource.TypeUrl, Value = resource.Body });
}
