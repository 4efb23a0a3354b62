using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Telemetry.AccessLogging;

namespace Waypoint.Proxy.Telemetry;

/// <summary>Tells of a request once it is over.</summary>
internal sealed class RequestTelemetry(IstioMetrics metrics, AccessLog log)
{
    public void Completed(Exchange exchange)
    {
        metrics.RequestCompleted(exchange);
        log.Completed(exchange);
    }
}
