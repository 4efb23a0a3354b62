using System.Diagnostics;
using System.Globalization;
using Waypoint.Proxy.Hosting;
using Waypoint.Proxy.Xds;
using Waypoint.Xds.Delta;

namespace Waypoint.Proxy.Admin;

/// <summary><c>/server_info</c> in Envoy's shape (envoy.admin.v3.ServerInfo).</summary>
internal sealed class ServerInfo(PodEnvironment pod, Readiness readiness)
{
    private readonly long _startedAt = Stopwatch.GetTimestamp();

    public Task AnswerAsync(HttpContext context) => context.WriteJsonAsync(writer =>
    {
        var uptime = string.Create(CultureInfo.InvariantCulture, $"{(long)Stopwatch.GetElapsedTime(_startedAt).TotalSeconds}s");
        writer.WriteStartObject();
        writer.WriteString("version", $"waypoint/{ProgramVersion.Text}/.NET {Environment.Version}");
        writer.WriteString("state", readiness.State);
        writer.WriteString("uptime_current_epoch", uptime);
        writer.WriteString("uptime_all_epochs", uptime);
        writer.WriteString("hot_restart_version", "disabled");
        writer.WriteStartObject("command_line_options");
        writer.WriteString("service_cluster", $"{pod.ServiceAccount}.{pod.Namespace}");
        writer.WriteString("service_node", pod.NodeId);
        writer.WriteString("drain_time", $"{pod.ProxyConfig.TerminationDrainDuration.TotalSeconds.ToString(CultureInfo.InvariantCulture)}s");
        writer.WriteEndObject();
        writer.WritePropertyName("node");
        writer.WriteRawValue(ResourceJson.Format(NodeIdentity.Of(pod)));
        writer.WriteEndObject();
    });
}
