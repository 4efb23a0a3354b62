using Waypoint.Cluster.Tests.Kubernetes;
using Waypoint.TestBed.Mesh;

namespace Waypoint.Cluster.Tests;

/// <summary>The DaemonSet of <c>deploy/node-agent.yaml</c>, with the image of this build.</summary>
internal static class NodeAgent
{
    public const string Namespace = "waypoint-system";

    public const string Name = "waypoint-node-agent";

    /// <summary>Applies it, and waits until it is on every node.</summary>
    public static async Task InstallAsync()
    {
        await Kubectl.ApplyAsync(await ManifestAsync());
        await Kubectl.RolledOutAsync(Namespace, $"daemonset/{Name}");
    }

    /// <summary>
    /// What a user applies. The nodes of the test cluster share a machine, and each has its own part of the cgroup tree: the one line more.
    /// </summary>
    public static async Task<string> ManifestAsync()
    {
        var manifest = (await File.ReadAllTextAsync(Path.Combine(Programs.RepositoryRoot, "deploy", "node-agent.yaml")))
            .Replace("REGISTRY/node-agent:TAG", "localhost/node-agent:dev", StringComparison.Ordinal);
        const string NodeName = "            - {name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}\n";
        return Environment.GetEnvironmentVariable("NODE_CGROUPS") is { } cgroups
            ? manifest.Replace(NodeName, $"{NodeName}            - {{name: CGROUP_PATH, value: \"{cgroups}/$(NODE_NAME)\"}}\n", StringComparison.Ordinal)
            : manifest;
    }
}
