namespace Waypoint.Proxy.Telemetry.Stats;

/// <summary>Istio's standard metrics, in the terms in which their configuration speaks of them.</summary>
internal enum IstioMetric
{
    RequestsTotal,
    RequestDuration,
    RequestBytes,
    ResponseBytes,
    RequestMessages,
    ResponseMessages,
    TcpOpened,
    TcpClosed,
    TcpSent,
    TcpReceived,
}

internal static class IstioMetricNames
{
    private static readonly string[] Names =
    [
        "requests_total", "request_duration_milliseconds", "request_bytes", "response_bytes", "request_messages_total", "response_messages_total",
        "tcp_connections_opened_total", "tcp_connections_closed_total", "tcp_sent_bytes_total", "tcp_received_bytes_total",
    ];

    /// <summary>The metric of a configuration's name, which is the metric's without <c>istio_</c>; null when there is none.</summary>
    public static IstioMetric? Parse(string name)
    {
        var index = Array.IndexOf(Names, name);
        return index < 0 ? null : (IstioMetric)index;
    }
}
