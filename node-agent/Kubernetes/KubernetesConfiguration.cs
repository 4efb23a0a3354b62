using System.Security.Cryptography.X509Certificates;

namespace Waypoint.NodeAgent.Kubernetes;

/// <summary>Where the API server is, whom to trust there, and what to show.</summary>
internal sealed record KubernetesConfiguration
{
    private const string ServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

    public required Uri Server { get; init; }

    /// <summary>Asked at each connection, since files are replaced. Null: the system's.</summary>
    public Func<X509Certificate2Collection>? Roots { get; init; }

    /// <summary>Asked at each request: the kubelet replaces the token of a pod well before it expires. Null shows none.</summary>
    public Func<string>? Token { get; init; }

    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>The file that <c>$KUBECONFIG</c> names; else the service account of the pod that this is.</summary>
    /// <param name="variable">Reads an environment variable.</param>
    /// <exception cref="KubernetesException">Neither is there, or the file cannot be used.</exception>
    public static KubernetesConfiguration Load(Func<string, string?> variable) =>
        variable("KUBECONFIG") is { Length: > 0 } path ? Kubeconfig.Load(path) : InCluster(variable);

    private static KubernetesConfiguration InCluster(Func<string, string?> variable)
    {
        if (variable("KUBERNETES_SERVICE_HOST") is not { Length: > 0 } host)
        {
            throw new KubernetesException("neither KUBECONFIG nor KUBERNETES_SERVICE_HOST is set: the API server is not known");
        }

        string port = variable("KUBERNETES_SERVICE_PORT") is { Length: > 0 } given ? given : "443";
        return new KubernetesConfiguration
        {
            Server = new Uri(host.Contains(':', StringComparison.Ordinal) ? $"https://[{host}]:{port}" : $"https://{host}:{port}"),
            Roots = () => ReadRoots(Path.Combine(ServiceAccount, "ca.crt")),
            Token = () => File.ReadAllText(Path.Combine(ServiceAccount, "token")).Trim(),
        };
    }

    internal static X509Certificate2Collection ReadRoots(string path)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(path);
        return roots;
    }
}
