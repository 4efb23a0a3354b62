using System.Net;
using Waypoint.GatewayApi.Translation;

namespace Waypoint.ControlPlane;

/// <summary>A command line that cannot be used; the message says why.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The program's flags, read as <c>--name value</c> or <c>--name=value</c>.</summary>
internal sealed record Options(string Directory, IPEndPoint XdsAddress, IPEndPoint AdminAddress, MeshSettings Mesh)
{
    public const string Usage = """
        waypoint-control-plane --directory DIR [options]

          --directory DIR           the folder of YAML (Gateway API, Services, Pods, ...) to serve; watched
          --xds-address ADDR        where waypoints and node agents connect (0.0.0.0:15010)
          --admin-address ADDR      /ready, /metrics, /debug/{resources,status,clients} (127.0.0.1:15014)
          --cluster-id NAME         the cluster's name in workloads' ids (Kubernetes)
          --domain NAME             the domain of services' names (cluster.local)
          --help, --version
        """;

    public static Options Parse(IReadOnlyList<string> arguments)
    {
        Dictionary<string, string> values = new()
        {
            ["--xds-address"] = "0.0.0.0:15010",
            ["--admin-address"] = "127.0.0.1:15014",
            ["--cluster-id"] = "Kubernetes",
            ["--domain"] = "cluster.local",
        };
        for (int index = 0; index < arguments.Count; index++)
        {
            string name = arguments[index];
            string? value = null;
            int equals = name.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                (name, value) = (name[..equals], name[(equals + 1)..]);
            }

            if (name != "--directory" && !values.ContainsKey(name))
            {
                throw new UsageException($"unknown argument {name}");
            }

            if (value is null && ++index == arguments.Count)
            {
                throw new UsageException($"{name} needs a value");
            }

            values[name] = value ?? arguments[index];
        }

        if (!values.TryGetValue("--directory", out string? directory))
        {
            throw new UsageException("--directory is required");
        }

        return new Options(
            directory,
            ParseAddress("--xds-address", values["--xds-address"]),
            ParseAddress("--admin-address", values["--admin-address"]),
            new MeshSettings(values["--cluster-id"], values["--domain"]));
    }

    private static IPEndPoint ParseAddress(string name, string value) =>
        value.Contains(':', StringComparison.Ordinal) && IPEndPoint.TryParse(value, out IPEndPoint? address)
            ? address
            : throw new UsageException($"{name} \"{value}\" is not an address of the form IP:PORT");
}
