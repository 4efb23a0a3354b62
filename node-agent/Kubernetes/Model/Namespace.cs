namespace Waypoint.NodeAgent.Kubernetes.Model;

internal sealed record Namespace : IKubernetesObject
{
    public ObjectMeta Metadata { get => field ?? new(); init; }
}
