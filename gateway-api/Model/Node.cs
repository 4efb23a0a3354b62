namespace Waypoint.GatewayApi.Model;

/// <summary>A node matters for its topology labels only.</summary>
internal sealed record Node(ObjectHeader Header)
    : KubernetesObject(ObjectKind.Node, Header)
{
    public Locality Locality => new(
        Metadata.Label("topology.kubernetes.io/region") ?? "",
        Metadata.Label("topology.kubernetes.io/zone") ?? "",
        Metadata.Label("topology.istio.io/subzone") ?? "");
}

internal readonly record struct Locality(string Region, string Zone, string Subzone)
{
    public static Locality None => new("", "", "");

    public bool IsNone => Region.Length == 0 && Zone.Length == 0 && Subzone.Length == 0;
}
