namespace Waypoint.NodeAgent.Workloads;

/// <summary>A resource of the control plane that cannot be used. The message names the resource, the field and what is wrong with it.</summary>
internal sealed class InvalidResourceException(string resource, string field, string reason)
    : Exception($"{resource}: {field}: {reason}");
