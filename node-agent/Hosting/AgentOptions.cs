using System.Globalization;
using System.Net;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Hosting;

/// <summary>What the command line says and, where it is silent, the environment that a DaemonSet sets.</summary>
internal sealed record AgentOptions
{
    public const string Usage = """
        waypoint-node-agent --xds-address HOST:PORT --node NAME [options]
        waypoint-node-agent uninstall [--bpffs PATH]

        Loads the kernel engine, keeps its maps as the control plane says, and enrols pods. When it ends, however it
        ends, the kernel goes on as it was left; uninstall takes everything out of force.

          --xds-address HOST:PORT       the control plane (delta ADS): in plain text on port 15010, over TLS on any
                                        other ($XDS_ADDRESS)
          --xds-root-ca FILE            whom to trust there ($XDS_ROOT_CA, /var/run/secrets/istio/root-cert.pem)
          --xds-token FILE              the bearer token to show ($XDS_TOKEN, /var/run/secrets/tokens/istio-token)
          --node NAME                   the name of this node in the mesh ($NODE_NAME)
          --cgroup PATH                 the cgroup v2 directory whose processes are served, children included
                                        ($CGROUP_PATH, the root of the hierarchy)
          --kubernetes                  enrol the pods of this node by their labels, as the Kubernetes API tells them
                                        ($KUBECONFIG, or the service account of the own pod)
          --replace-kube-proxy          serve the services of the cluster to every process below the cgroup, enrolled or
                                        not, as the Kubernetes API tells them: TCP to cluster addresses. For nodes
                                        without a kube-proxy; needs --kubernetes ($REPLACE_KUBE_PROXY: true or false)
          --bpffs PATH                  where the kernel engine is pinned (/sys/fs/bpf/waypoint)
          --admin-address HOST:PORT     health, dumps, enrolment (127.0.0.1:15200)
          --metrics-address HOST:PORT   Prometheus (0.0.0.0:15020)
          --network NAME                the network of this node, when the mesh has several ($ISTIO_META_NETWORK)
          --cluster-id NAME             the cluster of this node ($ISTIO_META_CLUSTER_ID, Kubernetes)
          --connection-log              a line on standard output for each connection that ends

        Who the agent is to the control plane: $POD_NAME, $POD_NAMESPACE, $SERVICE_ACCOUNT, $INSTANCE_IP.
        """;

    public required DnsEndPoint XdsAddress { get; init; }

    /// <summary>PEM; read at each connection.</summary>
    public string XdsRootCa { get; init; } = "/var/run/secrets/istio/root-cert.pem";

    /// <summary>Read at each stream, as the kubelet replaces it well before it expires.</summary>
    public string XdsToken { get; init; } = "/var/run/secrets/tokens/istio-token";

    public required string CgroupPath { get; init; }

    public required Node Node { get; init; }

    public required AgentIdentity Identity { get; init; }

    /// <summary>Enrol pods by their labels; else by hand only.</summary>
    public bool Kubernetes { get; init; }

    public string BpffsPath { get; init; } = DefaultBpffsPath;

    public IPEndPoint AdminAddress { get; init; } = new(IPAddress.Loopback, 15200);

    public IPEndPoint MetricsAddress { get; init; } = new(IPAddress.Any, 15020);

    /// <summary>Write a line for each connection that ends.</summary>
    public bool ConnectionLog { get; init; }

    private const string DefaultBpffsPath = "/sys/fs/bpf/waypoint";

    /// <param name="variable">Reads an environment variable. A flag wins over its variable.</param>
    /// <exception cref="BadFlagException">A flag is unknown, lacks its value, has a bad one, or is missing.</exception>
    public static AgentOptions Parse(ReadOnlySpan<string> arguments, Func<string, string?> variable)
    {
        var flags = new Flags(
            arguments,
            values:
            [
                "--xds-address", "--xds-root-ca", "--xds-token", "--cgroup", "--node", "--bpffs", "--admin-address", "--metrics-address",
                "--network", "--cluster-id",
            ],
            switches: ["--connection-log", "--kubernetes", "--replace-kube-proxy"],
            variable);
        bool kubernetes = flags.Has("--kubernetes");
        var node = new Node(
            flags.Require("--node", text => text, "NODE_NAME"),
            flags.Get("--cluster-id", text => text, "Kubernetes", "ISTIO_META_CLUSTER_ID"),
            flags.Get("--network", text => text, "", "ISTIO_META_NETWORK"),
            flags.Get("--replace-kube-proxy", ParseSwitch, false, "REPLACE_KUBE_PROXY"));
        if (node.ReplacesKubeProxy && !kubernetes)
        {
            throw new BadFlagException("--replace-kube-proxy: needs --kubernetes, which tells what there is to serve");
        }

        var options = new AgentOptions
        {
            XdsAddress = flags.Require("--xds-address", ParseHost, "XDS_ADDRESS"),
            CgroupPath = flags.Get("--cgroup", ParseDirectory, null, "CGROUP_PATH")
                ?? Cgroup.FindRoot()
                ?? throw new BadFlagException("--cgroup: missing, and no cgroup v2 hierarchy was found"),
            Node = node,
            Identity = AgentIdentity.Read(variable, node),
            Kubernetes = kubernetes,
            BpffsPath = flags.Get("--bpffs", text => text, DefaultBpffsPath),
            ConnectionLog = flags.Has("--connection-log"),
        };
        options = options with
        {
            XdsRootCa = flags.Get("--xds-root-ca", text => text, options.XdsRootCa, "XDS_ROOT_CA"),
            XdsToken = flags.Get("--xds-token", text => text, options.XdsToken, "XDS_TOKEN"),
            AdminAddress = flags.Get("--admin-address", ParseEndPoint, options.AdminAddress),
        };

        // The port tells the two apart: enrolment must not be reachable where metrics are.
        return options with
        {
            MetricsAddress = flags.Get(
                "--metrics-address",
                text => ParseEndPoint(text) is var address && address.Port != options.AdminAddress.Port
                    ? address
                    : throw new FormatException("has the port of --admin-address"),
                options.MetricsAddress),
        };
    }

    /// <summary>The flags of the sub-command <c>uninstall</c>: where the kernel engine is pinned.</summary>
    /// <exception cref="BadFlagException">A flag is unknown or lacks its value.</exception>
    public static string ParseUninstall(ReadOnlySpan<string> arguments) =>
        new Flags(arguments, values: ["--bpffs"], switches: [], _ => null).Get("--bpffs", text => text, DefaultBpffsPath);

    private static DnsEndPoint ParseHost(string text)
    {
        int colon = text.LastIndexOf(':');
        return colon > 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            && port is > 0 and <= ushort.MaxValue
            ? new DnsEndPoint(text[..colon].Trim('[', ']'), port)
            : throw new FormatException("is no HOST:PORT");
    }

    private static IPEndPoint ParseEndPoint(string text) =>
        text.Contains(':', StringComparison.Ordinal) && IPEndPoint.TryParse(text, out IPEndPoint? endPoint)
            ? endPoint
            : throw new FormatException("is no ADDRESS:PORT");

    // A switch without a value is on.
    private static bool ParseSwitch(string text) => text switch
    {
        "" or "true" => true,
        "false" => false,
        _ => throw new FormatException("is neither true nor false"),
    };

    private static string? ParseDirectory(string text) =>
        Directory.Exists(text) ? text : throw new FormatException("is no directory");
}
