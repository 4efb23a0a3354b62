using System.Collections.Immutable;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Istio.Workload;

namespace Waypoint.NodeAgent.Workloads;

/// <summary>Turns <c>istio.workload.Address</c> resources into the node's model, checking what the model relies on.</summary>
/// <param name="network">The node's network; virtual addresses of others are left out.</param>
internal sealed class AddressDecoder(string network)
{
    // Strings repeat across thousands of workloads (namespaces, nodes, service keys); each is kept once.
    private readonly HashSet<string> _strings = [];

    /// <exception cref="InvalidResourceException">The resource cannot be used.</exception>
    public Service Decode(string resource, Istio.Workload.Service service)
    {
        Require(resource, "namespace", service.Namespace);
        Require(resource, "hostname", service.Hostname);
        string key = Service.KeyOf(service.Namespace, service.Hostname);
        RequireName(resource, "namespace/hostname", key);
        ImmutableArray<WeightedWaypoint> split = WaypointSplit(resource, service.WeightedWaypoints);
        return new Service
        {
            Name = Keep(service.Name),
            Namespace = Keep(service.Namespace),
            Hostname = Keep(service.Hostname),
            Addresses = VirtualAddresses(resource, service.Addresses),
            Ports = Ports(resource, "ports", service.Ports),
            Waypoint = split.Length == 1 ? split[0].Waypoint : Waypoint(resource, "waypoint", service.Waypoint),
            WaypointSplit = split.Length > 1 ? split : [],
            LoadBalancing = Decode(resource, service.LoadBalancing),
            Canonical = service.Canonical,
        };
    }

    /// <exception cref="InvalidResourceException">The resource cannot be used.</exception>
    public Workload Decode(string resource, Istio.Workload.Workload workload)
    {
        Require(resource, "uid", workload.Uid);
        RequireName(resource, "uid", workload.Uid);
        return new Workload
        {
            Uid = workload.Uid,
            Name = workload.Name,
            Namespace = Keep(workload.Namespace),
            Addresses = WorkloadAddresses(resource, workload.Addresses),
            Network = Keep(workload.Network),
            TrustDomain = workload.TrustDomain.Length == 0 ? "cluster.local" : Keep(workload.TrustDomain),
            ServiceAccount = Keep(workload.ServiceAccount),
            Node = Keep(workload.Node),
            ClusterId = Keep(workload.ClusterId),
            CanonicalName = Keep(workload.CanonicalName),
            CanonicalRevision = Keep(workload.CanonicalRevision),
            WorkloadName = Keep(workload.WorkloadName),
            Locality = workload.Locality is { } locality
                ? new Locality(Keep(locality.Region), Keep(locality.Zone), Keep(locality.Subzone))
                : Locality.Unknown,
            Healthy = workload.Status == WorkloadStatus.Healthy,
            HostNetwork = workload.NetworkMode == NetworkMode.HostNetwork,
            Capacity = workload.Capacity ?? 1,
            Waypoint = Waypoint(resource, "waypoint", workload.Waypoint),
            ProxyProtocolPort = workload.ApplicationTunnel is { Protocol: ApplicationTunnel.Types.Protocol.Proxy } tunnel
                ? tunnel.Port == 0 ? Workload.DefaultProxyProtocolPort : Port(resource, "application_tunnel.port", tunnel.Port)
                : (ushort)0,
            Services = [.. workload.Services
                .OrderBy(service => service.Key, StringComparer.Ordinal)
                .Select(service => new ServiceMembership(
                    Keep(service.Key), Ports(resource, $"services[{service.Key}].ports", service.Value.Ports)))],
        };
    }

    private static void Require(string resource, string field, string value)
    {
        if (value.Length == 0)
        {
            throw new InvalidResourceException(resource, field, "is empty");
        }
    }

    // The removal of a resource gives its name only: one that went by another name could never be removed.
    private static void RequireName(string resource, string field, string name)
    {
        if (name != resource)
        {
            throw new InvalidResourceException(resource, field, $"'{name}' is not the name of the resource");
        }
    }

    private static ushort Port(string resource, string field, uint port) =>
        port is > 0 and <= ushort.MaxValue
            ? (ushort)port
            : throw new InvalidResourceException(resource, field, $"{port} is no port (1 to 65535)");

    private static InternetAddress Address(string resource, string field, ByteString bytes) =>
        InternetAddress.TryRead(bytes.Span, out InternetAddress address)
            ? address
            : throw new InvalidResourceException(resource, field, $"{bytes.Length} bytes are no IP address (4 or 16)");

    private static ImmutableArray<InternetAddress> WorkloadAddresses(string resource, RepeatedField<ByteString> addresses)
    {
        var result = ImmutableArray.CreateBuilder<InternetAddress>(addresses.Count);
        for (int i = 0; i < addresses.Count; i++)
        {
            InternetAddress address = Address(resource, $"addresses[{i}]", addresses[i]);
            if (!address.IsUnspecified && !result.Contains(address))
            {
                result.Add(address);
            }
        }

        return result.DrainToImmutable();
    }

    private ImmutableArray<InternetAddress> VirtualAddresses(string resource, RepeatedField<NetworkAddress> addresses)
    {
        var result = ImmutableArray.CreateBuilder<InternetAddress>(addresses.Count);
        for (int i = 0; i < addresses.Count; i++)
        {
            InternetAddress address = Address(resource, $"addresses[{i}].address", addresses[i].Address);

            // A whole range of addresses (a ServiceEntry of CIDRs) cannot be a key of a hash map: such traffic goes where it always went.
            bool single = !addresses[i].HasLength || addresses[i].Length == addresses[i].Address.Length * 8;
            if (single && addresses[i].Network == network && !address.IsUnspecified && !result.Contains(address))
            {
                result.Add(address);
            }
        }

        return result.DrainToImmutable();
    }

    private static ImmutableArray<ServicePort> Ports(string resource, string field, RepeatedField<Port> ports)
    {
        var result = ImmutableArray.CreateBuilder<ServicePort>(ports.Count);
        for (int i = 0; i < ports.Count; i++)
        {
            string at = string.Create(CultureInfo.InvariantCulture, $"{field}[{i}]");
            ushort servicePort = Port(resource, $"{at}.service_port", ports[i].ServicePort);
            ushort targetPort = ports[i].TargetPort == 0 ? (ushort)0 : Port(resource, $"{at}.target_port", ports[i].TargetPort);

            // One number may stand for a port of TCP and a port of UDP (as DNS' does); WDS does not say which is which.
            if (!result.Any(port => port.Port == servicePort))
            {
                result.Add(new ServicePort(servicePort, targetPort));
            }
        }

        return result.DrainToImmutable();
    }

    private WaypointReference? Waypoint(string resource, string field, GatewayAddress? gateway)
    {
        switch (gateway?.DestinationCase)
        {
            case null:
                return null;
            case GatewayAddress.DestinationOneofCase.Hostname:
                Require(resource, $"{field}.hostname.namespace", gateway.Hostname.Namespace);
                Require(resource, $"{field}.hostname.hostname", gateway.Hostname.Hostname);
                return WaypointReference.ToService(Keep(Service.KeyOf(gateway.Hostname.Namespace, gateway.Hostname.Hostname)));
            case GatewayAddress.DestinationOneofCase.Address:
                return WaypointReference.ToAddress(Address(resource, $"{field}.address.address", gateway.Address.Address));
            default:
                throw new InvalidResourceException(resource, $"{field}.destination", "is neither a hostname nor an address");
        }
    }

    /// <summary>Those that take a share. istiod also sends the first of them as the waypoint, for clients that know only one.</summary>
    private ImmutableArray<WeightedWaypoint> WaypointSplit(string resource, RepeatedField<Istio.Workload.WeightedWaypoint> waypoints)
    {
        var split = ImmutableArray.CreateBuilder<WeightedWaypoint>(waypoints.Count);
        for (int i = 0; i < waypoints.Count; i++)
        {
            string field = string.Create(CultureInfo.InvariantCulture, $"weighted_waypoints[{i}].destination");
            WaypointReference waypoint = Waypoint(resource, field, waypoints[i].Destination)
                ?? throw new InvalidResourceException(resource, field, "is missing");
            if (waypoints[i].Weight > 0)
            {
                split.Add(new WeightedWaypoint(waypoint, waypoints[i].Weight));
            }
        }

        return split.DrainToImmutable();
    }

    private static LoadBalancing Decode(string resource, Istio.Workload.LoadBalancing? loadBalancing) => loadBalancing is null
        ? LoadBalancing.Default
        : new LoadBalancing(
            loadBalancing.Mode switch
            {
                Istio.Workload.LoadBalancing.Types.Mode.UnspecifiedMode => LoadBalancingMode.Any,
                Istio.Workload.LoadBalancing.Types.Mode.Strict => LoadBalancingMode.Strict,
                Istio.Workload.LoadBalancing.Types.Mode.Failover => LoadBalancingMode.Failover,
                Istio.Workload.LoadBalancing.Types.Mode.Passthrough => LoadBalancingMode.Passthrough,
                var mode => throw new InvalidResourceException(resource, "load_balancing.mode", $"{mode} is unknown"),
            },
            [.. loadBalancing.RoutingPreference.Select(scope => scope switch
            {
                Istio.Workload.LoadBalancing.Types.Scope.Region => LoadBalancingScope.Region,
                Istio.Workload.LoadBalancing.Types.Scope.Zone => LoadBalancingScope.Zone,
                Istio.Workload.LoadBalancing.Types.Scope.Subzone => LoadBalancingScope.Subzone,
                Istio.Workload.LoadBalancing.Types.Scope.Node => LoadBalancingScope.Node,
                Istio.Workload.LoadBalancing.Types.Scope.Cluster => LoadBalancingScope.Cluster,
                Istio.Workload.LoadBalancing.Types.Scope.Network => LoadBalancingScope.Network,
                _ => throw new InvalidResourceException(resource, "load_balancing.routing_preference", $"{scope} is unknown"),
            })],
            loadBalancing.HealthPolicy == Istio.Workload.LoadBalancing.Types.HealthPolicy.AllowAll);

    private string Keep(string text)
    {
        if (_strings.TryGetValue(text, out string? kept))
        {
            return kept;
        }

        _strings.Add(text);
        return text;
    }
}
