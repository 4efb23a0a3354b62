using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Waypoint.Cluster.Tests.Clients;

/// <summary>Takes what is exported over OTLP/gRPC on the node's port 4317, and keeps it as it came.</summary>
internal sealed class SpanCollector : IAsyncDisposable
{
    private readonly ConcurrentBag<byte[]> _exports = [];
    private readonly WebApplication _server;

    private SpanCollector()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Any, 4317, listen => listen.Protocols = HttpProtocols.Http2));
        _server = builder.Build();
        _server.MapPost("/opentelemetry.proto.collector.trace.v1.TraceService/Export", ExportAsync);
    }

    public static async Task<SpanCollector> StartAsync()
    {
        var collector = new SpanCollector();
        await collector._server.StartAsync();
        return collector;
    }

    /// <summary>Whether one export holds all of these: ids as the bytes that their hexadecimal digits stand for, all else as text.</summary>
    public bool Find(params string[] parts) => _exports.Any(export => parts.All(part => export.AsSpan().IndexOf(Bytes(part)) >= 0));

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ExportAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        _exports.Add(body.ToArray());

        // An empty ExportTraceServiceResponse.
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(new byte[5]);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    private static byte[] Bytes(string part) => part.All(char.IsAsciiHexDigit) ? Convert.FromHexString(part) : Encoding.UTF8.GetBytes(part);
}
