using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Waypoint.Echo.Grpc;

namespace Waypoint.Echo.Http;

/// <summary>
/// Answers every HTTP request with what arrived, as JSON. The query asks for trouble: <c>status=503</c>, <c>delay=250</c> (milliseconds before
/// the answer), <c>fail=2&amp;key=K</c> (the first two requests with that key get <c>status</c>, or 503), <c>reset=1</c> with
/// <c>fail</c> (they get a reset connection instead), <c>size=N</c> (a body of N bytes), <c>trailer=TEXT</c>.
/// </summary>
internal sealed class EchoHandler(EchoOptions options)
{
    private readonly FailureLedger _failures = new();
    private readonly GrpcEcho _grpc = new(options);

    internal async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers["x-version"] = options.Version;
        if (context.WebSockets.IsWebSocketRequest)
        {
            await EchoWebSocketAsync(context);
            return;
        }
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) == true)
        {
            await _grpc.HandleAsync(context);
            return;
        }

        EchoWish wish = EchoWish.Of(context.Request.Query);
        if (wish.DelayMilliseconds > 0)
        {
            await Task.Delay(wish.DelayMilliseconds, context.RequestAborted);
        }
        int status = options.BrokenStatus ?? wish.Status ?? StatusCodes.Status200OK;
        if (wish.FailFirst > 0)
        {
            bool fails = _failures.ShouldFail(wish.Key, wish.FailFirst);
            if (fails && wish.Reset)
            {
                context.Abort();
                return;
            }
            status = fails ? wish.Status ?? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        }
        context.Response.StatusCode = status;
        if (wish.Trailer is not null && context.Response.SupportsTrailers())
        {
            context.Response.DeclareTrailer("x-echo-trailer");
        }
        await AnswerAsync(context, wish);
        if (wish.Trailer is not null && context.Response.SupportsTrailers())
        {
            context.Response.AppendTrailer("x-echo-trailer", wish.Trailer);
        }
    }

    private async Task AnswerAsync(HttpContext context, EchoWish wish)
    {
        long bodyLength = await DrainAsync(context.Request.Body, context.RequestAborted);
        if (wish.Size is int size)
        {
            context.Response.ContentLength = size;
            await WriteFillerAsync(context.Response.Body, size, context.RequestAborted);
            return;
        }
        context.Response.ContentType = "application/json";
        await using Utf8JsonWriter json = new(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("version", options.Version);
        json.WriteString("name", options.Name);
        json.WriteString("protocol", context.Request.Protocol);
        json.WriteString("method", context.Request.Method);
        json.WriteString("path", context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        json.WriteString("client", context.Connection.RemoteIpAddress?.MapToIPv4().ToString());
        json.WriteNumber("bodyLength", bodyLength);
        json.WriteStartObject("headers");
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in context.Request.Headers)
        {
            json.WriteStartArray(name);
            foreach (string? value in values)
            {
                json.WriteStringValue(value);
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
        json.WriteStartObject("trailers");
        if (context.Request.SupportsTrailers() && context.Request.CheckTrailersAvailable())
        {
            foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in context.Features.GetRequiredFeature<IHttpRequestTrailersFeature>().Trailers)
            {
                json.WriteString(name, values.ToString());
            }
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static async Task<long> DrainAsync(Stream body, CancellationToken cancellation)
    {
        long length = 0;
        byte[] buffer = new byte[16 * 1024];
        while (await body.ReadAsync(buffer, cancellation) is > 0 and int read)
        {
            length += read;
        }
        return length;
    }

    private static async Task WriteFillerAsync(Stream body, int size, CancellationToken cancellation)
    {
        byte[] filler = new byte[Math.Min(size, 16 * 1024)];
        Array.Fill(filler, (byte)'x');
        for (int left = size; left > 0; left -= filler.Length)
        {
            await body.WriteAsync(filler.AsMemory(0, Math.Min(left, filler.Length)), cancellation);
        }
    }

    private static async Task EchoWebSocketAsync(HttpContext context)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[16 * 1024];
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
                return;
            }
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }
    }
}
