using System.Collections.Immutable;
using System.Net;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Validation;

namespace Waypoint.GatewayApi.Sources.Reading;

internal static class ServiceReader
{
    public static KubernetesObject Read(FieldReader root, ObjectHeader header)
    {
        Service empty = new(header, false, true, [], ImmutableSortedDictionary<string, string>.Empty, [], false, false, null);
        if (root.RequiredChild("spec") is not { } spec)
        {
            return empty;
        }

        bool externalName = spec.Choice<bool>(
            "type", ("ClusterIP", false), ("NodePort", false), ("LoadBalancer", false), ("ExternalName", true)) ?? false;
        (bool headless, ImmutableArray<IPAddress> addresses) = ReadClusterIPs(spec);
        Service service = empty with
        {
            ExternalName = externalName,
            Headless = headless,
            ClusterIPs = addresses,
            Selector = spec.TextMap("selector"),
            Ports = spec.Children("ports", int.MaxValue, ReadPort),
            PublishNotReadyAddresses = spec.Boolean("publishNotReadyAddresses") ?? false,
            NodeLocal = spec.Choice<bool>("internalTrafficPolicy", ("Cluster", false), ("Local", true)) ?? false,
            TrafficDistribution = header.Metadata.Annotation(WellKnown.TrafficDistribution) ?? spec.Text("trafficDistribution"),
        };
        CheckPorts(spec, service);
        spec.Ignore(
            "externalName", "externalIPs", "externalTrafficPolicy", "healthCheckNodePort", "ipFamilies", "ipFamilyPolicy", "loadBalancerIP",
            "loadBalancerClass", "loadBalancerSourceRanges", "allocateLoadBalancerNodePorts", "sessionAffinity", "sessionAffinityConfig",
            "trafficDistribution");
        spec.Finish();
        return service;
    }

    private static (bool Headless, ImmutableArray<IPAddress> Addresses) ReadClusterIPs(FieldReader spec)
    {
        string? first = spec.Text("clusterIP");
        ImmutableArray<string> all = spec.Texts("clusterIPs", 2);
        if (first == "None" || (all.Length > 0 && all[0] == "None"))
        {
            return (true, []);
        }

        if (!all.IsEmpty)
        {
            return (false, AddressReader.ParseAll(spec, "clusterIPs", all));
        }

        if (first is { Length: > 0 })
        {
            return (false, AddressReader.ParseAll(spec, "clusterIP", [first]));
        }

        if (spec.Text("type") != "ExternalName")
        {
            // A folder has no API server that hands out addresses.
            spec.Warn("clusterIP", "is not given, so the Service has no address; its pods can still be a route's backends");
        }

        return (true, []);
    }

    private static ServicePort ReadPort(FieldReader port)
    {
        int number = port.RequiredInteger("port", 1, 65535);
        (int? target, string? name) = port.IntegerOrText("targetPort", 1, 65535, TextRules.PortName);
        ServicePort read = new(
            port.Text("name", TextRules.Label) ?? "",
            number,
            new TargetPort(target ?? (name is null ? number : 0), name),
            port.Choice("protocol", ("TCP", TransportProtocol.Tcp), ("UDP", TransportProtocol.Udp), ("SCTP", TransportProtocol.Sctp)) ?? TransportProtocol.Tcp,
            port.Text("appProtocol"));
        port.Ignore("nodePort");
        port.Finish();
        return read;
    }

    private static void CheckPorts(FieldReader spec, Service service)
    {
        HashSet<string> names = [];
        HashSet<(int, TransportProtocol)> numbers = [];
        foreach (ServicePort port in service.Ports)
        {
            if (port.Name.Length == 0 && service.Ports.Length > 1)
            {
                spec.Error("ports", $"port {port.Port} needs a name, as the Service has several ports");
            }
            else if (port.Name.Length > 0 && !names.Add(port.Name))
            {
                spec.Error("ports", $"the port name \"{port.Name}\" is given twice");
            }

            if (!numbers.Add((port.Port, port.Protocol)))
            {
                spec.Error("ports", $"port {port.Port} is given twice");
            }
        }

        if (service.Ports.IsEmpty && !service.ExternalName && !service.Headless)
        {
            spec.Error("ports", "is required");
        }
    }
}
