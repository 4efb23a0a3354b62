using System.Text.Json.Nodes;

namespace Waypoint.Cluster.Tests.Kubernetes;

/// <summary>kubectl, as far as the tests need it.</summary>
internal static class Kubectl
{
    public static Task<string> RunAsync(params IEnumerable<string> arguments) => Tool.RunAsync("kubectl", arguments);

    /// <summary>Applies manifests given as text.</summary>
    public static Task ApplyAsync(string yaml) => Tool.RunAsync("kubectl", yaml, ["apply", "--filename", "-"]);

    /// <summary>Deletes what a manifest describes; what is gone already is no error.</summary>
    public static Task DeleteAsync(string yaml) =>
        Tool.RunAsync("kubectl", yaml, ["delete", "--ignore-not-found", "--wait=true", "--filename", "-"]);

    public static async Task<JsonNode> GetAsync(string ns, params IEnumerable<string> what) =>
        JsonNode.Parse(await RunAsync(["--namespace", ns, "get", "--output", "json", .. what]))!;

    /// <summary>The pods with a label that run and are not on their way out.</summary>
    public static async Task<IReadOnlyList<PodInfo>> PodsAsync(string ns, string selector)
    {
        var pods = await GetAsync(ns, "pods", "--selector", selector, "--field-selector", "status.phase=Running");
        return
        [
            .. from pod in pods["items"]!.AsArray()
               where pod!["metadata"]!["deletionTimestamp"] is null
               select new PodInfo((string)pod["metadata"]!["name"]!, (string)pod["status"]!["podIP"]!, pod),
        ];
    }

    /// <summary>Waits until a Deployment or DaemonSet has all its pods, at its newest revision.</summary>
    public static Task RolledOutAsync(string ns, string what) =>
        RunAsync("--namespace", ns, "rollout", "status", what, "--timeout", "60s");
}

/// <param name="Name">Its name.</param>
/// <param name="Address">Its first address.</param>
/// <param name="Object">All of it.</param>
internal sealed record PodInfo(string Name, string Address, JsonNode Object)
{
    /// <summary>When a condition of the pod became what it is; whole seconds.</summary>
    public DateTimeOffset Since(string condition) =>
        (DateTimeOffset)Object["status"]!["conditions"]!.AsArray().Single(c => (string)c!["type"]! == condition)!["lastTransitionTime"]!;
}
