namespace Waypoint.GatewayApi.Translation;

/// <summary>What the whole mesh shares: the cluster's name in WDS, and the domain of its services' names.</summary>
internal sealed record MeshSettings(string ClusterId = "Kubernetes", string Domain = "cluster.local", string Network = "");
