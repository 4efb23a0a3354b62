using System.Collections.Immutable;
using System.Net;
using Google.Protobuf;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Translation;

/// <summary>The chains of one service port, serialised, and the services outside the waypoint that their routes lead to.</summary>
internal sealed record PortChains(IReadOnlyList<ByteString> Chains, IReadOnlyCollection<NamespacedName> OutsideServices);

/// <summary>What a service behind a waypoint contributes to the waypoint's listener.</summary>
internal sealed class BoundService(NamespacedName id)
{
    public NamespacedName Id { get; } = id;

    /// <summary>Null for a service without addresses: routes can lead to it, connections cannot.</summary>
    public ByteString? Branch { get; init; }

    /// <summary>The ports that clusters were made for.</summary>
    public IReadOnlyList<ServicePort> AllPorts { get; init; } = [];

    /// <summary>The ports that connections can come to, in the order of the Service's.</summary>
    public List<(ServicePort Port, PortChains Chains)> Ports { get; } = [];
}

/// <summary>A service behind another waypoint, or none, that a waypoint has clusters for.</summary>
internal sealed class OutsideService
{
    /// <summary>How many ports' routes lead to it.</summary>
    public int Uses { get; set; }

    public IReadOnlyList<string> Clusters { get; set; } = [];
}

/// <summary>One waypoint Gateway: the services and workloads behind it.</summary>
internal sealed class WaypointState(NamespacedName gateway)
{
    public NamespacedName Gateway { get; } = gateway;

    public SortedDictionary<NamespacedName, BoundService> Services { get; } = [];

    /// <summary>The addresses of pods that are behind it themselves.</summary>
    public SortedDictionary<NamespacedName, ImmutableArray<IPAddress>> Workloads { get; } = [];

    /// <summary>Services outside that its routes lead to.</summary>
    public Dictionary<NamespacedName, OutsideService> OutsideServices { get; } = [];

    /// <summary>Under which its resources are served.</summary>
    public string Scope { get; } = Scopes.Waypoint(gateway);

    public bool ListenerStale { get; set; } = true;
}
