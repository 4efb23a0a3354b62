using System.Collections.Immutable;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Sources.Reading;

internal static class EndpointSliceReader
{
    public static KubernetesObject Read(FieldReader root, ObjectHeader header)
    {
        string service = header.Metadata.Label(WellKnown.ServiceName) ?? "";
        if (service.Length == 0)
        {
            root.Warn("metadata", $"has no label {WellKnown.ServiceName}; the slice belongs to no Service");
        }

        bool addressed = root.Choice<bool>("addressType", ("IPv4", true), ("IPv6", true), ("FQDN", false)) ?? false;
        if (!root.Has("addressType"))
        {
            root.Error("addressType", "is required");
        }

        ImmutableArray<EndpointPort> ports = root.Children<EndpointPort>("ports", 100, ReadPort);
        ImmutableArray<SliceEndpoint> endpoints = root.Children("endpoints", 1000, endpoint => ReadEndpoint(endpoint, header, addressed));
        return new EndpointSlice(header, service, ports.Where(port => port.Port > 0).ToImmutableArray(), endpoints);
    }

    private static EndpointPort ReadPort(FieldReader port)
    {
        bool tcp = port.Choice<bool>("protocol", ("TCP", true), ("UDP", false), ("SCTP", false)) ?? true;
        EndpointPort read = new(port.Text("name") ?? "", port.Integer("port", 1, 65535) ?? 0);
        port.Ignore("appProtocol");
        port.Finish();
        return tcp ? read : read with { Port = 0 };
    }

    private static SliceEndpoint ReadEndpoint(FieldReader endpoint, ObjectHeader header, bool addressed)
    {
        bool ready = true;
        if (endpoint.Child("conditions") is { } conditions)
        {
            ready = conditions.Boolean("ready") ?? true;
            conditions.Ignore("serving", "terminating");
            conditions.Finish();
        }

        NamespacedName? pod = null;
        if (endpoint.Child("targetRef") is { } target && target.Text("kind") == "Pod")
        {
            pod = new NamespacedName(target.Text("namespace") ?? header.Metadata.Namespace, target.RequiredText("name"));
        }

        ImmutableArray<string> addresses = endpoint.Texts("addresses", 100);
        SliceEndpoint read = new(
            addressed ? AddressReader.ParseAll(endpoint, "addresses", addresses) : [],
            ready,
            pod,
            endpoint.Text("nodeName") ?? "",
            endpoint.Text("zone") ?? "");
        endpoint.Ignore("hostname", "hints", "deprecatedTopology");
        endpoint.Finish();
        return read;
    }
}
