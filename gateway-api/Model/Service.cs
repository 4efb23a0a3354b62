using System.Collections.Immutable;
using System.Net;

namespace Waypoint.GatewayApi.Model;

internal enum TransportProtocol
{
    Tcp,
    Udp,
    Sctp,
}

/// <summary>A port by number, or by the name that each pod's container gives it. 0 and null: the service port's own number.</summary>
internal readonly record struct TargetPort(int Number, string? Name);

internal sealed record ServicePort(string Name, int Port, TargetPort TargetPort, TransportProtocol Protocol, string? AppProtocol);

/// <summary>
/// A Service. <see cref="ClusterIPs"/> is empty for a headless one; <see cref="Selector"/> is empty when its
/// EndpointSlices are written by hand.
/// </summary>
internal sealed record Service(
    ObjectHeader Header,
    bool ExternalName,
    bool Headless,
    ImmutableArray<IPAddress> ClusterIPs,
    ImmutableSortedDictionary<string, string> Selector,
    ImmutableArray<ServicePort> Ports,
    bool PublishNotReadyAddresses,
    bool NodeLocal,
    string? TrafficDistribution)
    : KubernetesObject(ObjectKind.Service, Header)
{
    /// <summary>Set on the Service that stands for a Gateway when the folder has none of that name.</summary>
    public bool Implied { get; init; }

    public ServicePort? Port(int number)
    {
        foreach (ServicePort port in Ports)
        {
            if (port.Port == number && port.Protocol == TransportProtocol.Tcp)
            {
                return port;
            }
        }

        return null;
    }
}
