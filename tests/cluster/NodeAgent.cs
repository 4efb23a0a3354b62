using Waypoint.TestBed.Mesh;

namespace Waypoint.Cluster.Tests;

/// <summary>The DaemonSet of <c>deploy/node-agent.yaml</c>, with the image of this build.</summary>
internal static class NodeAgent
{
    public const string Namespace = "waypoint-system";

    // Where the nodes of one cluster share a machine, each has its own part of the machine's cgroup tree.
    private static readonly string[] SharedMachine = ["/sys/fs/cgroup/unified/test-cluster", "/sys/fs/cgroup/test-cluster"];

    /// <summary>What a user applies.</summary>
    public static async Task<string> ManifestAsync()
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(Programs.RepositoryRoot, "deploy", "node-agent.yaml"));
        if (SharedMachine.FirstOrDefault(Directory.Exists) is { } nodes)
        {
            const string Before = "            # CGROUP_PATH:";
            manifest = manifest.Replace(
                Before, $"            - {{name: CGROUP_PATH, value: /host{nodes}/$(NODE_NAME)}}\n{Before}", StringComparison.Ordinal);
        }

        return manifest.Replace("REGISTRY/node-agent:TAG", "localhost/node-agent:dev", StringComparison.Ordinal);
    }
}
