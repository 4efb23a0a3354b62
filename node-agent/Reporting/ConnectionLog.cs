using System.Globalization;
using Waypoint.NodeAgent.Engine;
using Waypoint.NodeAgent.Workloads;

namespace Waypoint.NodeAgent.Reporting;

/// <summary>One line for each connection that ended or came to nothing, in ztunnel's words.</summary>
internal sealed class ConnectionLog(TextWriter output, TimeProvider time)
{
    public void Write(in ConnectionEvent connection, ConnectionLabels labels)
    {
        string message = connection.Kind == ConnectionEventKind.Closed ? "connection complete" : "connection failed";
        string error = connection.Kind switch
        {
            ConnectionEventKind.Refused => $" error=\"{connection.Reason}\"",
            ConnectionEventKind.Failed => " error=\"not accepted by the peer\"",
            _ => "",
        };
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{time.GetUtcNow():yyyy-MM-ddTHH:mm:ss.ffffffZ} access {message} "
            + $"src.addr={End(connection.Source, connection.SourcePort)} {Of("src", labels.Source)} "
            + $"dst.addr={End(connection.Original, connection.OriginalPort)} dst.connected={End(connection.Chosen, connection.ChosenPort)} "
            + $"dst.service={Quoted(labels.Service?.Hostname)} {Of("dst", labels.Destination)} direction=\"outbound\" "
            + $"bytes_sent={connection.BytesSent} bytes_recv={connection.BytesReceived} duration=\"{connection.DurationNs / 1e6:F3}ms\"{error}"));
    }

    private static string End(KernelAddress address, NetworkPort port) => InternetAddress.From(address) switch
    {
        { IsUnspecified: true } => "-",
        { Family: AddressFamily.IPv6 } known => $"[{known}]:{port}",
        var known => $"{known}:{port}",
    };

    private static string Of(string side, Workload? workload) =>
        $"{side}.workload={Quoted(workload?.Name)} {side}.namespace={Quoted(workload?.Namespace)} "
        + $"{side}.identity={Quoted(workload is { ServiceAccount.Length: > 0 } ? workload.Identity : null)}";

    private static string Quoted(string? value) => string.IsNullOrEmpty(value) ? "-" : $"\"{value}\"";
}
