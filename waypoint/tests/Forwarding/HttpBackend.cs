using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>A backend on Kestrel, for what is tedious to say in bytes: HTTP/2, WebSocket, gRPC.</summary>
internal sealed class HttpBackend : IAsyncDisposable
{
    private readonly WebApplication _application;

    private HttpBackend(WebApplication application)
    {
        _application = application;
        var ports = application.Urls.Select(url => new Uri(url).Port).ToArray();
        Http1 = new IPEndPoint(IPAddress.Loopback, ports[0]);
        Http2 = new IPEndPoint(IPAddress.Loopback, ports[1]);
    }

    public IPEndPoint Http1 { get; }

    public IPEndPoint Http2 { get; }

    public static async Task<HttpBackend> StartAsync(RequestDelegate serve)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        var application = builder.Build();
        application.UseWebSockets();
        application.Run(serve);
        await application.StartAsync();
        return new HttpBackend(application);
    }

    public static async Task EchoWebSocketAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer, context.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(received.CloseStatus!.Value, received.CloseStatusDescription, context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _application.StopAsync(limit.Token);
        await _application.DisposeAsync();
    }
}
