using System.Globalization;
using System.Net;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Hosting;

/// <summary>What the command line says.</summary>
internal sealed record AgentOptions
{
    public const string Usage = """
        waypoint-node-agent --xds-address HOST:PORT --cgroup PATH --node NAME [options]
        waypoint-node-agent uninstall [--bpffs PATH]

        Loads the kernel engine, keeps its maps as the control plane says, and enrols pods. When it ends, however it
        ends, the kernel goes on as it was left; uninstall takes everything out of force.

          --xds-address HOST:PORT       the control plane (delta ADS in plain text, as istiod serves on 15010)
          --cgroup PATH                 the cgroup v2 directory whose processes are served, children included
          --node NAME                   the name of this node in the mesh
          --bpffs PATH                  where the kernel engine is pinned (/sys/fs/bpf/waypoint)
          --admin-address HOST:PORT     health, dumps, enrolment (127.0.0.1:15200)
          --metrics-address HOST:PORT   Prometheus (0.0.0.0:15020)
          --network NAME                the network of this node, when the mesh has several
          --cluster-id NAME             the cluster of this node (Kubernetes)
          --connection-log              a line on standard output for each connection that ends
        """;

    public required DnsEndPoint XdsAddress { get; init; }

    public required string CgroupPath { get; init; }

    public required Node Node { get; init; }

    public string BpffsPath { get; init; } = DefaultBpffsPath;

    public IPEndPoint AdminAddress { get; init; } = new(IPAddress.Loopback, 15200);

    public IPEndPoint MetricsAddress { get; init; } = new(IPAddress.Any, 15020);

    /// <summary>Write a line for each connection that ends.</summary>
    public bool ConnectionLog { get; init; }

    private const string DefaultBpffsPath = "/sys/fs/bpf/waypoint";

    /// <exception cref="BadFlagException">A flag is unknown, lacks its value, has a bad one, or is missing.</exception>
    public static AgentOptions Parse(ReadOnlySpan<string> arguments)
    {
        var flags = new Flags(arguments, values:
            ["--xds-address", "--cgroup", "--node", "--bpffs", "--admin-address", "--metrics-address", "--network", "--cluster-id"],
            switches: ["--connection-log"]);
        var options = new AgentOptions
        {
            XdsAddress = flags.Require("--xds-address", ParseHost),
            CgroupPath = flags.Require("--cgroup", ParseDirectory),
            Node = new Node(
                flags.Require("--node", text => text),
                flags.Get("--cluster-id", text => text, "Kubernetes"),
                flags.Get("--network", text => text, "")),
            BpffsPath = flags.Get("--bpffs", text => text, DefaultBpffsPath),
            ConnectionLog = flags.Has("--connection-log"),
        };
        options = options with { AdminAddress = flags.Get("--admin-address", ParseEndPoint, options.AdminAddress) };

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
        new Flags(arguments, values: ["--bpffs"], switches: []).Get("--bpffs", text => text, DefaultBpffsPath);

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

    private static string ParseDirectory(string text) =>
        Directory.Exists(text) ? text : throw new FormatException("is no directory");
}
