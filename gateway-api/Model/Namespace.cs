namespace Waypoint.GatewayApi.Model;

internal sealed record Namespace(ObjectHeader Header)
    : KubernetesObject(ObjectKind.Namespace, Header);
