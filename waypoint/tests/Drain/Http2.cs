using System.Net.Sockets;
using System.Text;
using Waypoint.Proxy.Tests.Listening;

namespace Waypoint.Proxy.Tests.Drain;

/// <summary>As much of HTTP/2 as a test needs to see single frames.</summary>
internal static class Http2
{
    public const byte Data = 0, Headers = 1, GoAway = 7;

    /// <summary>The preface and an empty SETTINGS frame.</summary>
    public static byte[] Preface => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0];

    /// <summary>A GET on stream 1, its header fields as HPACK literals without indexing.</summary>
    public static byte[] Get(string path)
    {
        byte[] block = [0x82, 0x86, .. Literal(":path", path), .. Literal(":authority", "shop")];
        return [0, 0, (byte)block.Length, Headers, 0x05, 0, 0, 0, 1, .. block];
    }

    /// <summary>Reads frames up to one that is wanted.</summary>
    public static async Task ReadUntilAsync(Socket socket, Predicate<Frame> isWanted)
    {
        Frame frame;
        do
        {
            var head = Encoding.Latin1.GetBytes(await socket.ReadAsync(9));
            await socket.ReadAsync((head[0] << 16) | (head[1] << 8) | head[2]);
            frame = new Frame(head[3], (head[4] & 1) != 0);
        }
        while (!isWanted(frame));
    }

    private static byte[] Literal(string name, string value) =>
        [0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];

    internal sealed record Frame(byte Type, bool EndsStream);
}
