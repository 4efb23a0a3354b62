using System.Collections.Immutable;
using System.Net;
using Waypoint.NodeAgent.Kubernetes.Model;
using Waypoint.NodeAgent.Workloads;
using Endpoint = Waypoint.NodeAgent.Kubernetes.Model.Endpoint;
using Service = Waypoint.NodeAgent.Kubernetes.Model.Service;
using ServicePort = Waypoint.NodeAgent.Kubernetes.Model.ServicePort;

namespace Waypoint.NodeAgent.ClusterServices;

/// <summary>Turns a service and its endpoint slices into what a node is to serve. Pure.</summary>
internal static class ServiceTranslator
{
    private const string Tcp = "TCP";

    // Of services with this label kube-proxy keeps its hands off as well.
    private const string OtherProxy = "service.kubernetes.io/service-proxy-name";

    public static string KeyOf(ObjectMeta service) => $"{service.Namespace}/{service.Name}";

    public static ServiceTranslation Translate(Service service, IReadOnlyCollection<EndpointSlice> slices, Node node)
    {
        ImmutableArray<InternetAddress> addresses = [.. service.Spec.ClusterIPs.Select(Parse).OfType<InternetAddress>()];
        if (addresses.IsEmpty || service.Spec.Type == "ExternalName" || service.Metadata.Label(OtherProxy) is not null)
        {
            return ServiceTranslation.Nothing;
        }

        return new ServiceTranslation(
            new ClusterService(
                KeyOf(service.Metadata),
                addresses,
                [.. service.Spec.Ports.Where(port => port.Protocol == Tcp).Select(port => new ClusterServicePort(port.Port, Endpoints(service, port, slices, node)))]),
            [.. Unsupported(service, slices).Distinct()]);
    }

    private static ImmutableArray<ClusterEndpoint> Endpoints(Service service, ServicePort port, IReadOnlyCollection<EndpointSlice> slices, Node node)
    {
        bool onlyLocal = service.Spec.InternalTrafficPolicy == "Local";
        var ready = ImmutableArray.CreateBuilder<ClusterEndpoint>();
        var lastResort = ImmutableArray.CreateBuilder<ClusterEndpoint>();
        foreach (EndpointSlice slice in slices)
        {
            if (slice.Ports.FirstOrDefault(candidate => candidate.Name == port.Name && candidate.Protocol == port.Protocol)?.Port is not { } target)
            {
                continue;
            }

            foreach (Endpoint endpoint in slice.Endpoints.Where(endpoint => !onlyLocal || endpoint.NodeName == node.Name))
            {
                if (endpoint.Addresses is [var text, ..] && Parse(text) is { } address)
                {
                    EndpointConditions conditions = endpoint.Conditions;
                    if (conditions.Ready ?? true)
                    {
                        ready.Add(new ClusterEndpoint(address, target));
                    }
                    else if (conditions is { Serving: true, Terminating: true })
                    {
                        lastResort.Add(new ClusterEndpoint(address, target));
                    }
                }
            }
        }

        // Endpoints that are on their way out still answer for a while, which beats refusing.
        return (ready.Count > 0 ? ready : lastResort).ToImmutable();
    }

    private static IEnumerable<UnsupportedFeature> Unsupported(Service service, IEnumerable<EndpointSlice> slices)
    {
        ServiceSpec spec = service.Spec;
        foreach (string protocol in spec.Ports.Select(port => port.Protocol).Where(protocol => protocol != Tcp))
        {
            yield return new UnsupportedFeature($"spec.ports[].protocol={protocol}", "is not served");
        }

        if (spec.SessionAffinity == "ClientIP")
        {
            yield return new UnsupportedFeature("spec.sessionAffinity=ClientIP", "each connection picks any endpoint");
        }

        if (spec.TrafficDistribution.Length > 0)
        {
            yield return new UnsupportedFeature("spec.trafficDistribution", "endpoints are used wherever they are, until the mesh's control plane tells of the service");
        }

        if (spec.Ports.Any(port => port.NodePort != 0))
        {
            yield return new UnsupportedFeature("spec.ports[].nodePort", "is not served");
        }

        if (spec.ExternalIPs.Count > 0)
        {
            yield return new UnsupportedFeature("spec.externalIPs", "are not served");
        }

        if (service.Status.LoadBalancer.Ingress.Any(ingress => ingress.IP.Length > 0))
        {
            yield return new UnsupportedFeature("status.loadBalancer.ingress[].ip", "is not served");
        }

        if (slices.Any(slice => slice.AddressType == "FQDN"))
        {
            yield return new UnsupportedFeature("EndpointSlice addressType=FQDN", "endpoints by name are left out");
        }
    }

    private static InternetAddress? Parse(string text) => IPAddress.TryParse(text, out IPAddress? address) ? InternetAddress.From(address) : null;
}
