using Waypoint.Cluster.Tests.Kubernetes;

namespace Waypoint.Cluster.Tests.Clients;

/// <summary>The client on the node, speaking to a waypoint's port 15008 as ztunnel does.</summary>
/// <param name="certificates">The folder of its key, its certificate and the roots; null to show none.</param>
/// <param name="waypoint">The waypoint's address.</param>
/// <param name="addressOf">The address of a service by its name: HBONE's authority is an address.</param>
internal sealed class HboneClient(string? certificates, Func<string> waypoint, Func<string, string> addressOf) : MeshClient
{
    public override Task<ProcessResult> RunAsync(string target, params IEnumerable<string> flags)
    {
        var uri = new Uri(target);
        var address = target.Replace($"//{uri.Host}:", $"//{addressOf(uri.Host)}:", StringComparison.Ordinal);
        string[] host = flags.Any(f => f.StartsWith("-HHost:", StringComparison.Ordinal)) ? [] : [$"-HHost:{uri.Authority}"];
        return Tool.TryAsync(
            "istio-echo-client",
            "",
            [
                $"--hbone={waypoint()}:15008",
                .. certificates is null ? Array.Empty<string>() : [$"--hbone-ca={certificates}/roots.pem", $"--hbone-client-cert={certificates}/certificate.pem", $"--hbone-client-key={certificates}/key.pem"],
                "--hbone-insecure-skip-verify",
                .. host,
                .. flags,
                address,
            ]);
    }
}
