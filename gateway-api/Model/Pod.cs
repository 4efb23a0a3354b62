using System.Collections.Immutable;
using System.Net;

namespace Waypoint.GatewayApi.Model;

internal sealed record ContainerPort(string Name, int Port);

/// <summary>A Pod. One without addresses, or whose phase is final, takes no traffic and is left out of everything.</summary>
internal sealed record Pod(
    ObjectHeader Header,
    ImmutableArray<IPAddress> Addresses,
    bool Ready,
    bool Finished,
    bool HostNetwork,
    string ServiceAccount,
    string NodeName,
    ImmutableArray<ContainerPort> NamedPorts)
    : KubernetesObject(ObjectKind.Pod, Header)
{
    public bool Live => !Finished && Addresses.Length > 0;
}
