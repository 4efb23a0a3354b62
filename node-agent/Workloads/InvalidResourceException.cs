namespace Waypoint.NodeAgent.Workloads;

/// <summary>A resource of the control plane that cannot be used: which one, which field of it, and what is wrong with that.</summary>
internal sealed class InvalidResourceException(string resource, string field, string reason) : Exception($"{field}: {reason}")
{
    /// <summary>The name of the resource; the message has the rest.</summary>
    public string Resource { get; } = resource;
}
