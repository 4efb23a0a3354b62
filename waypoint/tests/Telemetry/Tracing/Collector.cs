using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using OpenTelemetry.Proto.Collector.Trace.V1;

namespace Waypoint.Proxy.Tests.Telemetry.Tracing;

/// <summary>A collector's side of OTLP over gRPC and over HTTP.</summary>
internal static class Collector
{
    public static async Task TakeAsync(HttpContext context, ChannelWriter<(string, string, ExportTraceServiceRequest)> received)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var bytes = body.ToArray();
        var isGrpc = context.Request.ContentType == "application/grpc";
        await received.WriteAsync((context.Request.Path, context.Request.ContentType!, ExportTraceServiceRequest.Parser.ParseFrom(bytes.AsSpan(isGrpc ? 5 : 0))));
        if (isGrpc)
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(new byte[5]);
            context.Response.AppendTrailer("grpc-status", "0");
        }
    }
}
