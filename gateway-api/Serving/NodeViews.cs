using System.Net;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Translation;
using Waypoint.Xds.Delta;
using Waypoint.Xds.Delta.Server;
using Waypoint.Xds.Grpc;
using Node = Envoy.Config.Core.V3.Node;

namespace Waypoint.GatewayApi.Serving;

/// <summary>
/// Who sees what. A node agent ("ztunnel~…") sees WDS; a waypoint ("waypoint~…") sees WDS and what is translated for its Gateway, which
/// it names by its pod's label or, like istiod's waypoints, is found by its pod's address.
/// </summary>
internal sealed class NodeViews(ControlPlane controlPlane) : IResourceViews
{
    private const int IdParts = 4;

    public IResourceView Open(Node node, IPEndPoint peer)
    {
        string[] id = node.Id.Split('~');
        if (id.Length != IdParts)
        {
            throw new GrpcException(GrpcStatusCode.InvalidArgument, $"\"{node.Id}\" is not a node id of the form TYPE~IP~NAME.NAMESPACE~DOMAIN");
        }

        return id[0] switch
        {
            "ztunnel" => new View(controlPlane.Store, null),
            "waypoint" => new View(controlPlane.Store, Gateway(node, id)),
            _ => throw new GrpcException(GrpcStatusCode.InvalidArgument, $"nodes of type \"{id[0]}\" are not served; known are waypoint and ztunnel"),
        };
    }

    private NamespacedName Gateway(Node node, string[] id)
    {
        int dot = id[2].LastIndexOf('.');
        string space = Text(node.Metadata, "NAMESPACE") ?? (dot < 0 ? "" : id[2][(dot + 1)..]);
        if (node.Metadata?.Fields.GetValueOrDefault("LABELS")?.StructValue is { } labels && Text(labels, WellKnown.GatewayName) is { } name)
        {
            return new NamespacedName(space, name);
        }

        string addresses = Text(node.Metadata, "INSTANCE_IPS") ?? id[1];
        List<IPAddress> parsed = [.. addresses.Split(',').Select(text => IPAddress.TryParse(text, out IPAddress? address) ? address : null).OfType<IPAddress>()];
        return controlPlane.GatewayAt(parsed) ??
            throw new GrpcException(GrpcStatusCode.FailedPrecondition, $"no pod with the label {WellKnown.GatewayName} has an address of {addresses}");
    }

    private static string? Text(Struct? fields, string key) =>
        fields?.Fields.GetValueOrDefault(key) is { KindCase: Value.KindOneofCase.StringValue, StringValue: { Length: > 0 } text } ? text : null;

    private sealed class View(ResourceStore store, NamespacedName? waypoint) : IResourceView
    {
        public ResourceCollection? Find(string typeUrl)
        {
            if (typeUrl == ResourceTypes.Address || typeUrl == ResourceTypes.Workload || typeUrl == ResourceTypes.Authorization)
            {
                return store.Collection(Scopes.Mesh, typeUrl);
            }

            bool translated = typeUrl == ResourceTypes.Listener || typeUrl == ResourceTypes.Cluster ||
                typeUrl == ResourceTypes.Endpoints || typeUrl == ResourceTypes.Route;
            return translated && waypoint is { } gateway ? store.Collection(Scopes.Waypoint(gateway), typeUrl) : null;
        }
    }
}
