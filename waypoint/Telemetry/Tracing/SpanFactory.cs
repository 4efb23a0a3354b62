using System.Globalization;
using System.Text;
using Google.Protobuf;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Telemetry.Formatting;

namespace Waypoint.Proxy.Telemetry.Tracing;

/// <summary>A request's span, with Envoy's tags and those of the configuration.</summary>
internal static class SpanFactory
{
    public static Span Create(Exchange exchange, RequestTrace trace, TracingSettings settings, string nodeId)
    {
        var start = Nanoseconds(exchange.StartedAt);
        var stream = new StreamInfo(exchange);
        var span = new Span
        {
            TraceId = Bytes(trace.TraceId),
            SpanId = Bytes(trace.SpanId),
            TraceState = trace.State ?? "",
            Name = exchange.Route?.Operation is { Length: > 0 } operation ? operation : "ingress",
            Kind = Span.Types.SpanKind.Server,
            StartTimeUnixNano = start,
            EndTimeUnixNano = start + (ulong)stream.Age.TotalNanoseconds,
            Flags = 1,
        };
        if (trace.Parent != default)
        {
            span.ParentSpanId = Bytes(trace.Parent);
        }

        AddEnvoysTags(span, exchange, stream, settings, nodeId);
        var buffer = LineBuffer.Shared;
        foreach (var tag in settings.Tags)
        {
            buffer.Truncate(0);
            tag.Value.Write(stream, buffer);
            Add(span, tag.Name, Encoding.UTF8.GetString(buffer.Written));
        }

        if (exchange.Status is 0 or >= 500)
        {
            Add(span, "error", "true");
            span.Status = new Status { Code = Status.Types.StatusCode.Error };
        }

        return span;
    }

    private static void AddEnvoysTags(Span span, Exchange exchange, StreamInfo stream, TracingSettings settings, string nodeId)
    {
        var request = exchange.Context.Request;
        var path = exchange.Target ?? exchange.RawTarget;
        path = path.Length > settings.MaxPathLength ? path[..settings.MaxPathLength] : path;
        Add(span, "component", "proxy");
        Add(span, "node_id", nodeId);
        Add(span, "guid:x-request-id", request.Headers[EnvoyHeaders.RequestId].ToString());
        Add(span, "downstream_cluster", request.Headers["x-envoy-downstream-service-cluster"] is { Count: > 0 } caller ? caller.ToString() : "-");
        Add(span, "http.url", $"{request.Scheme}://{request.Headers.Host}{path}");
        Add(span, "http.method", request.Method);
        Add(span, "http.protocol", request.Protocol);
        Add(span, "user_agent", request.Headers.UserAgent.ToString());
        Add(span, "peer.address", stream.Client.Address.ToString());
        Add(span, "request_size", exchange.BytesReceived.ToString(CultureInfo.InvariantCulture));
        Add(span, "response_size", exchange.BytesSent.ToString(CultureInfo.InvariantCulture));
        Add(span, "http.status_code", exchange.Status.ToString(CultureInfo.InvariantCulture));
        Add(span, "response_flags", exchange.Flags.ToShortNames());
        Add(span, "upstream_cluster", exchange.Cluster?.Name);
        Add(span, "upstream_cluster.name", exchange.Cluster?.ObservabilityName);
        if (exchange.IsGrpc)
        {
            Add(span, "grpc.path", path);
            Add(span, "grpc.authority", request.Headers.Host.ToString());
            Add(span, "grpc.content_type", request.ContentType);
            Add(span, "grpc.timeout", request.Headers.GrpcTimeout.ToString());
            Add(span, "grpc.status_code", GrpcStatusOperators.NumberOf(stream)?.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void Add(Span span, string key, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            span.Attributes.Add(new KeyValue { Key = key, Value = new AnyValue { StringValue = value } });
        }
    }

    private static ulong Nanoseconds(DateTime time) => (ulong)(time - DateTime.UnixEpoch).Ticks * (ulong)TimeSpan.NanosecondsPerTick;

    private static ByteString Bytes(System.Diagnostics.ActivityTraceId id)
    {
        System.Span<byte> bytes = stackalloc byte[16];
        id.CopyTo(bytes);
        return ByteString.CopyFrom(bytes);
    }

    private static ByteString Bytes(System.Diagnostics.ActivitySpanId id)
    {
        System.Span<byte> bytes = stackalloc byte[8];
        id.CopyTo(bytes);
        return ByteString.CopyFrom(bytes);
    }
}
