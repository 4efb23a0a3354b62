using System.Net;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Waypoint.Proxy.LoadBalancing;
using Endpoint = Waypoint.Proxy.LoadBalancing.Endpoint;
using Locality = Waypoint.Proxy.LoadBalancing.Locality;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>The endpoints of one cluster and the weights of their localities.</summary>
internal sealed record EndpointAssignment(
    IReadOnlyList<Endpoint> Endpoints,
    IReadOnlyDictionary<(int Priority, Locality Locality), uint> LocalityWeights,
    int OverprovisioningFactor)
{
    public const int DefaultOverprovisioningFactor = 140;

    public static EndpointAssignment Empty { get; } =
        new([], new Dictionary<(int, Locality), uint>(), DefaultOverprovisioningFactor);
}

/// <summary>Endpoints, from EDS or inline in a cluster.</summary>
internal sealed class EndpointTranslator(EndpointStates states)
{
    // The listener of Envoy's that makes an HBONE tunnel of what it gets.
    private const string Tunnel = "connect_originate";

    public EndpointAssignment Translate(ClusterLoadAssignment assignment, TranslationScope scope)
    {
        var endpoints = new List<Endpoint>();
        var weights = new Dictionary<(int, Locality), uint>();
        scope.UnsupportedIf(assignment.Policy?.DropOverloads.Count > 0, "drop_overloads");
        foreach (var group in assignment.Endpoints)
        {
            var locality = group.Locality is { } l && (l.Region.Length > 0 || l.Zone.Length > 0 || l.SubZone.Length > 0)
                ? new Locality(l.Region, l.Zone, l.SubZone)
                : Locality.None;
            var priority = (int)group.Priority;
            if (group.LoadBalancingWeight is { } weight)
            {
                weights[(priority, locality)] = weights.GetValueOrDefault((priority, locality)) + weight;
            }

            foreach (var endpoint in group.LbEndpoints)
            {
                if (endpoint.Endpoint?.Address?.EnvoyInternalAddress is { ServerListenerName: not Tunnel } other)
                {
                    // Another network's gateway, by a tunnel in a tunnel. To dial it in another way would leave the mesh.
                    scope.Unsupported($"endpoints by the internal listener '{other.ServerListenerName}' (they are not used)");
                    continue;
                }

                endpoints.Add(Translate(endpoint, priority, locality, scope));
            }
        }

        var factor = assignment.Policy?.OverprovisioningFactor ?? EndpointAssignment.DefaultOverprovisioningFactor;
        return new EndpointAssignment(endpoints, weights, (int)Math.Clamp(factor, 100, 100_000));
    }

    /// <summary>True for <c>envoy_internal_address</c> without an endpoint: Envoy hands the connection, original destination and all, to its own tunnel.</summary>
    public static bool IsBareTunnel(ClusterLoadAssignment assignment) =>
        assignment.Endpoints.SelectMany(group => group.LbEndpoints).ToArray() is
        [{ Endpoint.Address.EnvoyInternalAddress: { ServerListenerName: Tunnel, EndpointId: "" } }];

    private Endpoint Translate(LbEndpoint endpoint, int priority, Locality locality, TranslationScope scope)
    {
        var address = Address(endpoint.Endpoint?.Address, scope, out var tunnel);
        if (endpoint.LoadBalancingWeight is 0)
        {
            throw scope.Invalid("load_balancing_weight", $"of {address} is 0; at least 1 is needed");
        }

        return new Endpoint
        {
            Address = address,
            Hostname = endpoint.Endpoint!.Hostname,
            Weight = endpoint.LoadBalancingWeight ?? 1,
            Priority = priority,
            Locality = locality,
            IsHealthy = endpoint.HealthStatus is HealthStatus.Unknown or HealthStatus.Healthy or HealthStatus.Degraded,
            WantsTunnel = tunnel,
            WantsSidecarTls = WantsSidecarTls(endpoint),
            State = states.Get(address),
        };
    }

    private static bool WantsSidecarTls(LbEndpoint endpoint) =>
        endpoint.Metadata?.FilterMetadata.TryGetValue("envoy.transport_socket_match", out var match) is true
        && match.Fields.TryGetValue("tlsMode", out var mode)
        && mode.StringValue == "istio";

    private static IPEndPoint Address(Address? address, TranslationScope scope, out bool tunnel)
    {
        tunnel = false;
        switch (address?.AddressCase)
        {
            case Envoy.Config.Core.V3.Address.AddressOneofCase.SocketAddress:
                var socket = address.SocketAddress;
                return IPAddress.TryParse(socket.Address, out var ip) && socket.PortValue is > 0 and <= ushort.MaxValue
                    ? new IPEndPoint(Unmapped(ip), (int)socket.PortValue)
                    : throw scope.Invalid("endpoint.address.socket_address", $"'{socket.Address}' port {socket.PortValue} is not an IP address and port");
            case Envoy.Config.Core.V3.Address.AddressOneofCase.EnvoyInternalAddress:
                tunnel = true;
                var id = address.EnvoyInternalAddress.EndpointId;
                return IPEndPoint.TryParse(id, out var parsed) && parsed.Port > 0
                    ? new IPEndPoint(Unmapped(parsed.Address), parsed.Port)
                    : throw scope.Invalid("endpoint.address.envoy_internal_address.endpoint_id", $"'{id}' is not an IP address and port");
            default:
                throw scope.Invalid("endpoint.address", "neither a socket address nor an internal one");
        }
    }

    private static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
