namespace Waypoint.NodeAgent.Kubernetes.Model;

/// <summary>Some of the endpoints of a service, all of one family.</summary>
internal sealed record EndpointSlice : IKubernetesObject
{
    public const string ServiceName = "kubernetes.io/service-name";

    public ObjectMeta Metadata { get => field ?? new(); init; }

    /// <summary>IPv4, IPv6 or FQDN.</summary>
    public string AddressType { get => field ?? ""; init; }

    public IReadOnlyList<Endpoint> Endpoints { get => field ?? []; init; }

    public IReadOnlyList<EndpointPort> Ports { get => field ?? []; init; }
}

internal sealed record Endpoint
{
    /// <summary>They stand for the same endpoint; consumers may use the first alone.</summary>
    public IReadOnlyList<string> Addresses { get => field ?? []; init; }

    public EndpointConditions Conditions { get => field ?? new(); init; }

    public string NodeName { get => field ?? ""; init; }
}

/// <summary>What is null is not known.</summary>
internal sealed record EndpointConditions
{
    public bool? Ready { get; init; }

    /// <summary>Ready but for its terminating.</summary>
    public bool? Serving { get; init; }

    public bool? Terminating { get; init; }
}

internal sealed record EndpointPort
{
    /// <summary>That of the service's port.</summary>
    public string Name { get => field ?? ""; init; }

    public string Protocol { get => field ?? ""; init; }

    public ushort? Port { get; init; }
}
