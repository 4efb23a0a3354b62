using Waypoint.NodeAgent.Kubernetes.Model;

namespace Waypoint.NodeAgent.Kubernetes;

/// <param name="Object">As it is now; of a deleted one, as it was; of a bookmark only the version counts.</param>
internal readonly record struct WatchEvent<T>(WatchEventKind Kind, T Object)
    where T : IKubernetesObject;

internal enum WatchEventKind
{
    /// <summary>New, or changed: what it was before tells which.</summary>
    Changed,
    Deleted,

    /// <summary>Nothing happened up to this version, so that a watch need not begin again from an older one.</summary>
    Bookmark,
}
