using System.Collections.Immutable;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Telemetry.Tracing;

/// <summary>Where a chain's spans go: a collector that is spoken to by OTLP.</summary>
/// <param name="Cluster">The collector.</param>
/// <param name="ServiceName">What it is to call us.</param>
internal sealed record TraceCollector(ClusterSlot Cluster, string ServiceName)
{
    /// <summary>The path of OTLP over HTTP; null for OTLP over gRPC.</summary>
    public string? HttpPath { get; init; }

    /// <summary>The authority of its requests; null for the endpoint's address.</summary>
    public string? Authority { get; init; }

    /// <summary>What every request carries. A list by reference, so collectors are one only when their configuration is.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>For one request.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>A tag of every span: its name, and how its value is read; without a value there is no tag.</summary>
internal sealed record SpanTag(string Name, TextFormat Value);

/// <summary>What a chain says of tracing. Immutable.</summary>
internal sealed record TracingSettings(TraceCollector Collector)
{
    /// <summary>The share of the traces that begin here which is told.</summary>
    public double RandomShare { get; init; } = 1;

    /// <summary>The share of those that is left after all other decisions.</summary>
    public double OverallShare { get; init; } = 1;

    /// <summary>In characters; what is longer is cut.</summary>
    public int MaxPathLength { get; init; } = 256;

    public ImmutableArray<SpanTag> Tags { get; init; } = [];

    /// <summary>Draws lots for a trace that begins here.</summary>
    public bool Draw() => Random.Shared.NextDouble() < RandomShare && Random.Shared.NextDouble() < OverallShare;
}
