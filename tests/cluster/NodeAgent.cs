using Waypoint.TestBed.Mesh;

namespace Waypoint.Cluster.Tests;

/// <summary>The DaemonSet of <c>deploy/node-agent.yaml</c>, with the image of this build.</summary>
internal static class NodeAgent
{
    public const string Namespace = "istio-system";

    /// <summary>What a user applies. In a cluster whose nodes share a machine each has its own part of the cgroup tree, which NODE_CGROUP names.</summary>
    public static async Task<string> ManifestAsync()
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(Programs.RepositoryRoot, "deploy", "node-agent.yaml"));
        return manifest.Replace("REGISTRY/node-agent:TAG", "localhost/node-agent:dev", StringComparison.Ordinal);
    }
}
