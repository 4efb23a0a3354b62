using System.Diagnostics;

namespace Waypoint.Proxy.Telemetry.Tracing;

/// <summary>The place of a request in its trace.</summary>
/// <param name="TraceId">The trace's.</param>
/// <param name="SpanId">This request's own span; the backend's is below it.</param>
/// <param name="Parent">The caller's span; default when the trace begins here.</param>
/// <param name="IsSampled">The span is to be told to a collector.</param>
/// <param name="State">The header <c>tracestate</c> as it came; null when there was none.</param>
internal sealed record RequestTrace(ActivityTraceId TraceId, ActivitySpanId SpanId, ActivitySpanId Parent, bool IsSampled, string? State);
