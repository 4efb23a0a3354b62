using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests.Clients;

/// <summary>The client in a pod.</summary>
internal sealed class PodClient(string ns, string pod) : MeshClient
{
    public override Task<ProcessResult> RunAsync(string target, params IEnumerable<string> flags) =>
        Tool.TryAsync("kubectl", "", ["--namespace", ns, "exec", pod, "--", "client", .. flags, target]);
}
