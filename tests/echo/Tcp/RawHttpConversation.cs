using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;

namespace Waypoint.Echo.Tcp;

/// <summary>
/// HTTP/1.1 read by hand, because any HTTP server tidies up what it received: answers with the very bytes of the request, head and body,
/// as its body. Understands Content-Length and chunked; pipelining works, as each request is consumed exactly.
/// </summary>
internal static class RawHttpConversation
{
    private static ReadOnlySpan<byte> EndOfHead => "\r\n\r\n"u8;

    internal static async Task ServeAsync(TcpSession session)
    {
        PipeReader input = PipeReader.Create(session.Stream);
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            long length = LengthOfRequest(read.Buffer);
            if (length < 0)
            {
                if (read.IsCompleted)
                {
                    return;
                }
                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }
            byte[] request = read.Buffer.Slice(0, length).ToArray();
            input.AdvanceTo(read.Buffer.GetPosition(length));
            await session.Stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
                $"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nx-version: {session.Version}\r\nContent-Length: {request.Length}\r\n\r\n")));
            await session.Stream.WriteAsync(request);
        }
    }

    /// <summary>The bytes of the first request in the buffer; -1 while it is not complete.</summary>
    private static long LengthOfRequest(ReadOnlySequence<byte> buffer)
    {
        byte[] bytes = buffer.ToArray();
        int head = bytes.AsSpan().IndexOf(EndOfHead);
        if (head < 0)
        {
            return -1;
        }
        head += EndOfHead.Length;
        long body = 0;
        foreach (string line in Encoding.Latin1.GetString(bytes, 0, head).Split("\r\n"))
        {
            if (line.StartsWith("content-length:", StringComparison.OrdinalIgnoreCase))
            {
                body = long.Parse(line[15..], CultureInfo.InvariantCulture);
            }
            else if (line.StartsWith("transfer-encoding:", StringComparison.OrdinalIgnoreCase))
            {
                return EndOfChunks(bytes, head);
            }
        }
        return bytes.Length >= head + body ? head + body : -1;
    }

    private static long EndOfChunks(byte[] bytes, int position)
    {
        while (true)
        {
            int line = bytes.AsSpan(position).IndexOf("\r\n"u8);
            if (line < 0)
            {
                return -1;
            }
            string size = Encoding.Latin1.GetString(bytes, position, line).Split(';')[0].Trim();
            int length = int.Parse(size, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            position += line + 2;
            if (length == 0)
            {
                // Trailers end like a head; without any, the empty line is the two bytes that precede them.
                int end = bytes.AsSpan(position - 2).IndexOf(EndOfHead);
                return end < 0 ? -1 : position - 2 + end + EndOfHead.Length;
            }
            position += length + 2;
            if (position > bytes.Length)
            {
                return -1;
            }
        }
    }
}
