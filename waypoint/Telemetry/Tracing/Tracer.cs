using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Hosting;

namespace Waypoint.Proxy.Telemetry.Tracing;

/// <summary>Gives each request of a chain with tracing its place in a trace, and tells its span when it is over.</summary>
internal sealed class Tracer(SpanExporter exporter, PodEnvironment? pod = null)
{
    /// <summary>Reads the caller's trace and writes our span into the headers that the backend will get.</summary>
    public static void Start(Exchange exchange)
    {
        if (exchange.Chain?.Tracing is { } settings)
        {
            var headers = exchange.Context.Request.Headers;
            var trace = TracePropagation.Start(headers, settings);
            TracePropagation.Inject(headers, trace);
            exchange.Trace = trace;
        }
    }

    public void Completed(Exchange exchange)
    {
        if (exchange is { Trace: { IsSampled: true } trace, Chain.Tracing: { } settings })
        {
            exporter.Enqueue(settings.Collector, SpanFactory.Create(exchange, trace, settings, pod?.NodeId ?? ""));
        }
    }
}
