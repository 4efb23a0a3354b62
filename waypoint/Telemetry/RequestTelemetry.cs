using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Telemetry.AccessLogging;
using Waypoint.Proxy.Telemetry.Tracing;

namespace Waypoint.Proxy.Telemetry;

/// <summary>Tells of a request once it is over.</summary>
internal sealed class RequestTelemetry(IstioMetrics metrics, AccessLog log, Tracer tracer)
{
    public void Completed(Exchange exchange)
    {
        metrics.RequestCompleted(exchange);
        log.Completed(exchange);
        tracer.Completed(exchange);
    }
}
