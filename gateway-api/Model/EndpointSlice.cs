using System.Collections.Immutable;
using System.Net;

namespace Waypoint.GatewayApi.Model;

internal sealed record EndpointPort(string Name, int Port);

internal sealed record SliceEndpoint(
    ImmutableArray<IPAddress> Addresses,
    bool Ready,
    NamespacedName? Pod,
    string NodeName,
    string Zone);

/// <summary>A discovery.k8s.io EndpointSlice; where a Service has any, they count instead of its selector.</summary>
internal sealed record EndpointSlice(
    ObjectHeader Header,
    string ServiceName,
    ImmutableArray<EndpointPort> Ports,
    ImmutableArray<SliceEndpoint> Endpoints)
    : KubernetesObject(ObjectKind.EndpointSlice, Header)
{
    public NamespacedName Service => new(Namespace, ServiceName);
}
