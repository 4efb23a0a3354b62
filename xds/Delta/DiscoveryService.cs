using Envoy.Service.Discovery.V3;
using Waypoint.Xds.Grpc;

namespace Waypoint.Xds.Delta;

/// <summary>The method that both sides speak: one stream for all types, differences only.</summary>
public static class DiscoveryService
{
    public static readonly GrpcMethod<DeltaDiscoveryRequest, DeltaDiscoveryResponse> Delta = new(
        "envoy.service.discovery.v3.AggregatedDiscoveryService", "DeltaAggregatedResources", DeltaDiscoveryRequest.Parser, DeltaDiscoveryResponse.Parser);

    /// <summary>The name that stands for every resource of a type.</summary>
    internal const string Wildcard = "*";
}
