namespace Waypoint.NodeAgent.Workloads;

/// <summary>Where this agent runs, in the words of the control plane.</summary>
/// <param name="Network">Addresses of other networks cannot be reached from here and are left out. Empty when the mesh has one network.</param>
/// <param name="ReplacesKubeProxy">Cluster addresses are served here to everybody: no kube-proxy does.</param>
internal sealed record Node(string Name, string ClusterId = "Kubernetes", string Network = "", bool ReplacesKubeProxy = false);
