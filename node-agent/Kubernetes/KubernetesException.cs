using System.Net;

namespace Waypoint.NodeAgent.Kubernetes;

/// <summary>The API server refused, or cannot be asked as configured.</summary>
internal sealed class KubernetesException(string message, HttpStatusCode status = default) : Exception(message)
{
    /// <summary>0 when there was no answer.</summary>
    public HttpStatusCode Status { get; } = status;

    /// <summary>The version asked for is too old: what happened since is forgotten, so everything must be listed again.</summary>
    public bool IsExpired => Status == HttpStatusCode.Gone;
}
