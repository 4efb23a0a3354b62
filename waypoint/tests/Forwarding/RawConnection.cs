using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Waypoint.Proxy.Tests.Forwarding;

/// <summary>One end of a TCP connection, byte by byte. Bytes are written and read as Latin-1, one char each.</summary>
internal sealed class RawConnection(Socket socket) : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly StringBuilder _unread = new();

    public static async Task<RawConnection> ConnectAsync(IPEndPoint endpoint)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endpoint);
        return new RawConnection(socket);
    }

    public Socket Socket => socket;

    /// <summary>Bytes taken from the socket and not yet returned.</summary>
    public int Buffered => _unread.Length;

    public async Task SendAsync(string bytes)
    {
        using var limit = new CancellationTokenSource(Limit);
        var rest = (ReadOnlyMemory<byte>)Encoding.Latin1.GetBytes(bytes);
        while (!rest.IsEmpty)
        {
            rest = rest[await socket.SendAsync(rest, limit.Token)..];
        }
    }

    /// <summary>Reads up to and with the first occurrence of <paramref name="mark"/>; what there was when the peer closed first.</summary>
    public async Task<string> ReadThroughAsync(string mark)
    {
        while (true)
        {
            var at = _unread.ToString().IndexOf(mark, StringComparison.Ordinal);
            if (at >= 0)
            {
                return Take(at + mark.Length);
            }

            if (!await FillAsync())
            {
                return Take(_unread.Length);
            }
        }
    }

    public async Task<string> ReadExactlyAsync(int count)
    {
        while (_unread.Length < count && await FillAsync())
        {
        }

        return Take(Math.Min(count, _unread.Length));
    }

    public async Task<string> ReadToEndAsync()
    {
        while (await FillAsync())
        {
        }

        return Take(_unread.Length);
    }

    /// <summary>Head and body of one message, exactly as they came.</summary>
    /// <param name="hasBody">False for the answer to a HEAD.</param>
    public async Task<string> ReadMessageAsync(bool hasBody = true)
    {
        var head = await ReadThroughAsync("\r\n\r\n");
        if (!hasBody || head.Length == 0)
        {
            return head;
        }

        if (head.Contains("chunked\r\n", StringComparison.OrdinalIgnoreCase))
        {
            var body = new StringBuilder();
            while (true)
            {
                var size = await ReadThroughAsync("\r\n");
                body.Append(size);
                if (!int.TryParse(size.Trim().Split(';')[0], NumberStyles.HexNumber, null, out var length))
                {
                    return head + body;
                }

                if (length == 0)
                {
                    string line;
                    do
                    {
                        line = await ReadThroughAsync("\r\n");
                        body.Append(line);
                    }
                    while (line.Length > 2);
                    return head + body;
                }

                body.Append(await ReadExactlyAsync(length + 2));
            }
        }

        var mark = head.IndexOf("\r\nContent-Length: ", StringComparison.OrdinalIgnoreCase);
        return mark < 0
            ? head
            : head + await ReadExactlyAsync(int.Parse(head[(mark + 18)..].Split('\r')[0], CultureInfo.InvariantCulture));
    }

    /// <summary>One message, or as much of it as there was when the peer reset the connection.</summary>
    public async Task ReadToResetOrMessageAsync()
    {
        try
        {
            await ReadMessageAsync();
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return;
        }
    }

    /// <summary>Waits for the peer's end; true when it was a reset.</summary>
    public async Task<bool> ReadToResetAsync()
    {
        try
        {
            while (await FillAsync())
            {
            }

            return false;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private string Take(int count)
    {
        var taken = _unread.ToString(0, count);
        _unread.Remove(0, count);
        return taken;
    }

    private async Task<bool> FillAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        var buffer = new byte[16 * 1024];
        var count = await socket.ReceiveAsync(buffer, limit.Token);
        _unread.Append(Encoding.Latin1.GetString(buffer, 0, count));
        return count > 0;
    }
}
