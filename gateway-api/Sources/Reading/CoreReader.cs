using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Sources.Reading;

/// <summary>Namespaces and nodes: their labels are all that counts.</summary>
internal static class CoreReader
{
    public static KubernetesObject ReadNamespace(FieldReader root, ObjectHeader header)
    {
        root.Ignore("spec");
        return new Namespace(header);
    }

    public static KubernetesObject ReadNode(FieldReader root, ObjectHeader header)
    {
        root.Ignore("spec");
        return new Node(header);
    }
}
