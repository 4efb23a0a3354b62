using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf.Reflection;

namespace Waypoint.Xds.Delta;

/// <summary>The types of resources, as they are named on the stream.</summary>
public static class ResourceTypes
{
    private const string Prefix = "type.googleapis.com/";

    public static readonly string Cluster = UrlOf(Envoy.Config.Cluster.V3.Cluster.Descriptor);
    public static readonly string Endpoints = UrlOf(ClusterLoadAssignment.Descriptor);
    public static readonly string Listener = UrlOf(Envoy.Config.Listener.V3.Listener.Descriptor);
    public static readonly string Route = UrlOf(RouteConfiguration.Descriptor);

    /// <summary>WDS as a node agent asks for it: workloads and services.</summary>
    public static readonly string Address = UrlOf(Istio.Workload.Address.Descriptor);

    /// <summary>WDS as a waypoint asks for it: workloads only, the metadata of peers.</summary>
    public static readonly string Workload = UrlOf(Istio.Workload.Workload.Descriptor);

    public static readonly string Authorization = UrlOf(Istio.Security.Authorization.Descriptor);

    /// <summary>The URL of a message inside an Any.</summary>
    public static string UrlOf(MessageDescriptor descriptor) => Prefix + descriptor.FullName;

    /// <summary>A type's name without the prefix that all have, for labels and logs.</summary>
    internal static string ShortName(string typeUrl) => typeUrl.StartsWith(Prefix, StringComparison.Ordinal) ? typeUrl[Prefix.Length..] : typeUrl;
}
