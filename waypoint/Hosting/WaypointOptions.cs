using System.Collections;
using System.Net;
using Waypoint.Proxy.Hbone;
using Waypoint.Proxy.Listening;
using Waypoint.Proxy.Tcp;

namespace Waypoint.Proxy.Hosting;

/// <summary>All that the program is told. The ports are a contract (design, wire numbers); only tests change them.</summary>
internal sealed record WaypointOptions
{
    public required PodEnvironment Pod { get; init; }

    public WaypointArguments Arguments { get; init; } = new();

    public ListeningSettings Listening { get; init; } = new();

    public HboneSettings Hbone { get; init; } = new();

    public TcpSettings Tcp { get; init; } = TcpSettings.Default;

    /// <summary>Envoy's admin interface, for those in the pod.</summary>
    public IPEndPoint Admin { get; init; } = new(IPAddress.Loopback, 15000);

    /// <summary>What pilot-agent serves: metrics, readiness, the end.</summary>
    public IPEndPoint Agent { get; init; } = new(ListeningSettings.AnyAddress, 15020);

    /// <summary>Readiness, for the kubelet.</summary>
    public IPEndPoint Ready { get; init; } = new(ListeningSettings.AnyAddress, 15021);

    /// <summary>Metrics alone.</summary>
    public IPEndPoint Prometheus { get; init; } = new(ListeningSettings.AnyAddress, 15090);

    /// <summary>The whole time from SIGTERM to the exit: the drain, then what requests under way may take.</summary>
    public TimeSpan ShutdownTimeout => Pod.ProxyConfig.TerminationDrainDuration + TimeSpan.FromSeconds(20);

    /// <summary>The program's own: environment, arguments and the files of the pod.</summary>
    public static WaypointOptions FromProcess(IReadOnlyList<string> commandLine)
    {
        var arguments = WaypointArguments.Parse(commandLine);
        return new WaypointOptions
        {
            Arguments = arguments,
            Pod = PodEnvironment.Read(Variables(), arguments, "/etc/istio/pod"),
        };
    }

    private static Dictionary<string, string> Variables() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(v => (string)v.Key, v => (string?)v.Value ?? "");
}
