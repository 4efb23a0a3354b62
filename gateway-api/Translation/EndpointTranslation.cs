using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Google.Protobuf.WellKnownTypes;
using Waypoint.GatewayApi.Model;
using SocketAddress = Envoy.Config.Core.V3.SocketAddress;

namespace Waypoint.GatewayApi.Translation;

/// <summary>A port's endpoints as a ClusterLoadAssignment, by locality.</summary>
internal static class EndpointTranslation
{
    public static ClusterLoadAssignment Translate(string cluster, IReadOnlyList<ResolvedEndpoint> endpoints, MeshSettings mesh)
    {
        ClusterLoadAssignment assignment = new() { ClusterName = cluster };
        foreach (IGrouping<Model.Locality, ResolvedEndpoint> group in endpoints
            .GroupBy(endpoint => endpoint.Locality)
            .OrderBy(group => group.Key.ToString(), StringComparer.Ordinal))
        {
            LocalityLbEndpoints locality = new()
            {
                Locality = new Envoy.Config.Core.V3.Locality { Region = group.Key.Region, Zone = group.Key.Zone, SubZone = group.Key.Subzone },
            };
            foreach (ResolvedEndpoint endpoint in group)
            {
                locality.LbEndpoints.Add(Translate(endpoint, mesh));
            }

            locality.LoadBalancingWeight = (uint)locality.LbEndpoints.Count;
            assignment.Endpoints.Add(locality);
        }

        return assignment;
    }

    private static LbEndpoint Translate(ResolvedEndpoint endpoint, MeshSettings mesh)
    {
        string workload = endpoint.Pod is { } pod
            ? $"{WorkloadNames.Workload(pod)};{pod.Namespace};{WorkloadNames.CanonicalName(pod)};{WorkloadNames.CanonicalRevision(pod)};{mesh.ClusterId}"
            : $";;;;{mesh.ClusterId}";
        Metadata metadata = ProtoValues.Metadata("istio", "workload", Value.ForString(workload));
        Address address = new();
        if (endpoint.Pod is { } tunnelled && WorkloadTranslation.TakesHbone(tunnelled))
        {
            string target = Join(endpoint.Address, endpoint.Port);
            address.EnvoyInternalAddress = new EnvoyInternalAddress { ServerListenerName = ResourceNames.ConnectOriginate, EndpointId = target };
            metadata.FilterMetadata["envoy.filters.listener.original_dst"] = new Struct { Fields = { ["local"] = Value.ForString(target) } };
        }
        else
        {
            address.SocketAddress = new SocketAddress { Address = endpoint.Address.ToString(), PortValue = (uint)endpoint.Port };
        }

        return new LbEndpoint
        {
            Endpoint = new Endpoint { Address = address },
            HealthStatus = endpoint.Ready ? HealthStatus.Healthy : HealthStatus.Unhealthy,
            LoadBalancingWeight = 1,
            Metadata = metadata,
        };
    }

    private static string Join(IPAddress address, int port) =>
        address.AddressFamily == AddressFamily.InterNetworkV6
            ? string.Create(CultureInfo.InvariantCulture, $"[{address}]:{port}")
            : string.Create(CultureInfo.InvariantCulture, $"{address}:{port}");
}
