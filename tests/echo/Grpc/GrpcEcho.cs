using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;

namespace Waypoint.Echo.Grpc;

/// <summary>
/// The service of echo.proto, spoken at the level of the wire so that the backend shares no code with the programs under test. Unary
/// answers once, ServerStream five times, BidiStream once a message; the metadata <c>x-fail: CODE</c> asks for that status instead.
/// </summary>
internal sealed class GrpcEcho(EchoOptions options)
{
    private const int PrefixLength = 5;
    private const int StreamLength = 5;
    private const int Unimplemented = 12;

    internal async Task HandleAsync(HttpContext context)
    {
        context.Response.ContentType = "application/grpc";
        context.Response.DeclareTrailer("grpc-status");
        int status = int.TryParse(context.Request.Headers["x-fail"], CultureInfo.InvariantCulture, out int wanted)
            ? wanted
            : await ServeAsync(context);
        context.Response.AppendTrailer("grpc-status", status.ToString(CultureInfo.InvariantCulture));
        if (status != 0)
        {
            context.Response.AppendTrailer("grpc-message", status == Unimplemented ? "no such method" : "as asked");
        }
    }

    private async Task<int> ServeAsync(HttpContext context)
    {
        int answers = context.Request.Path.Value switch
        {
            "/waypoint.echo.Echo/Unary" or "/waypoint.echo.Echo/BidiStream" => 1,
            "/waypoint.echo.Echo/ServerStream" => StreamLength,
            _ => 0,
        };
        if (answers == 0)
        {
            return Unimplemented;
        }
        while (await ReadAsync(context.Request.BodyReader, context.RequestAborted) is { } message)
        {
            for (int answer = 0; answer < answers; answer++)
            {
                await WriteAsync(context.Response.BodyWriter, $"{options.Version} {Text(message)}", context.RequestAborted);
            }
        }
        return 0;
    }

    /// <summary>The next message without its prefix; null at the end of the stream.</summary>
    private static async Task<byte[]?> ReadAsync(PipeReader reader, CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellation);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (buffer.Length >= PrefixLength)
            {
                int length = BinaryPrimitives.ReadInt32BigEndian(buffer.Slice(1, 4).ToArray());
                if (buffer.Length >= PrefixLength + length)
                {
                    byte[] message = buffer.Slice(PrefixLength, length).ToArray();
                    reader.AdvanceTo(buffer.GetPosition(PrefixLength + length));
                    return message;
                }
            }
            if (read.IsCompleted)
            {
                return null;
            }
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    // message EchoMessage { string text = 1; }: tag 0x0a, a varint length, UTF-8. Lengths here stay below 128.
    private static string Text(byte[] message) => message is [0x0a, _, ..] ? Encoding.UTF8.GetString(message.AsSpan(2)) : "";

    private static async Task WriteAsync(PipeWriter writer, string text, CancellationToken cancellation)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        byte[] frame = new byte[PrefixLength + 2 + utf8.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), 2 + utf8.Length);
        frame[PrefixLength] = 0x0a;
        frame[PrefixLength + 1] = checked((byte)utf8.Length);
        utf8.CopyTo(frame, PrefixLength + 2);
        await writer.WriteAsync(frame, cancellation);
    }
}
