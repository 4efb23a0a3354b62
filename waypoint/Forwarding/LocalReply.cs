using System.Text;
using Waypoint.Proxy.Telemetry;

namespace Waypoint.Proxy.Forwarding;

/// <summary>
/// Answers of our own, as Envoy gives them: plain text for HTTP; for gRPC a head without body that carries
/// <c>grpc-status</c> and <c>grpc-message</c>, because a gRPC client reads nothing else.
/// </summary>
internal static class LocalReply
{
    /// <summary>Answers and notes why. Whatever part of an answer was prepared before is dropped.</summary>
    /// <param name="grpcStatus">Overrides the status that follows from <paramref name="status"/>.</param>
    /// <param name="close">Closes an HTTP/1 connection afterwards: for a request after which the beginning of the next one is in doubt.</param>
    public static Task SendAsync(
        Exchange exchange,
        int status,
        string body,
        ResponseFlags flags,
        string details,
        GrpcStatus? grpcStatus = null,
        bool close = false)
    {
        exchange.Context.Response.Clear();
        exchange.Flags |= flags;
        exchange.Details = details;
        if (close && !exchange.IsHttp2)
        {
            exchange.Context.Response.Headers.Connection = "close";
        }

        return SendAsync(exchange, status, body.Length == 0 ? default : Encoding.UTF8.GetBytes(body), grpcStatus);
    }

    /// <summary>Answers with the headers prepared so far.</summary>
    public static Task SendAsync(Exchange exchange, int status, ReadOnlyMemory<byte> body, GrpcStatus? grpcStatus = null)
    {
        var response = exchange.Context.Response;
        if (exchange.Chain?.ServerName is { } server)
        {
            response.Headers.Server = server;
        }

        if (exchange.IsGrpc)
        {
            var code = ((int)(grpcStatus ?? Grpc.FromHttpStatus(status))).ToString(System.Globalization.CultureInfo.InvariantCulture);
            exchange.GrpcStatus = code;
            response.StatusCode = StatusCodes.Status200OK;
            response.ContentType = Grpc.ContentType;
            response.Headers.GrpcStatus = code;
            if (!body.IsEmpty)
            {
                response.Headers.GrpcMessage = PercentEncode(body.Span);
            }

            return Task.CompletedTask;
        }

        response.StatusCode = status;
        response.ContentLength = body.Length;
        if (body.IsEmpty)
        {
            return Task.CompletedTask;
        }

        response.ContentType ??= "text/plain";
        if (HttpMethods.IsHead(exchange.Context.Request.Method))
        {
            return Task.CompletedTask;
        }

        exchange.BytesSent = body.Length;
        return response.BodyWriter.WriteAsync(body).AsTask();
    }

    /// <summary>The gRPC protocol's encoding of a message: printable ASCII but for the percent sign stays.</summary>
    private static string PercentEncode(ReadOnlySpan<byte> message)
    {
        if (!message.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E) && !message.Contains((byte)'%'))
        {
            return Encoding.ASCII.GetString(message);
        }

        var encoded = new StringBuilder(message.Length + 16);
        foreach (var octet in message)
        {
            _ = octet is >= 0x20 and <= 0x7E and not (byte)'%'
                ? encoded.Append((char)octet)
                : encoded.Append('%').Append(octet.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        return encoded.ToString();
    }
}
