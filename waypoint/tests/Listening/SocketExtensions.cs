using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Waypoint.Proxy.Tests.Listening;

/// <summary>Exact bytes in and out of real sockets, with a deadline for each wait.</summary>
internal static class SocketExtensions
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task SendAsync(this Socket socket, string text) => await socket.SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Reads exactly so many bytes.</summary>
    public static async Task<string> ReadAsync(this Socket socket, int count)
    {
        var buffer = new byte[count];
        using var patience = new CancellationTokenSource(Patience);
        for (var read = 0; read < count;)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(read), patience.Token);
            if (received == 0)
            {
                throw new IOException($"The stream ended after \"{Encoding.Latin1.GetString(buffer, 0, read)}\"");
            }

            read += received;
        }

        return Encoding.Latin1.GetString(buffer);
    }

    /// <summary>Reads to the end of the stream.</summary>
    public static async Task<string> ReadToEndAsync(this Socket socket)
    {
        var all = new MemoryStream();
        var buffer = new byte[4096];
        using var patience = new CancellationTokenSource(Patience);
        for (int received; (received = await socket.ReceiveAsync(buffer, patience.Token)) > 0;)
        {
            all.Write(buffer, 0, received);
        }

        return Encoding.Latin1.GetString(all.GetBuffer(), 0, (int)all.Length);
    }

    /// <summary>Reads one HTTP/1.1 answer with a Content-Length, head and body.</summary>
    public static async Task<string> ReadResponseAsync(this Socket socket)
    {
        var text = "";
        while (!text.EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            text += await socket.ReadAsync(1);
        }

        const string name = "Content-Length: ";
        var length = text.Split("\r\n").Where(l => l.StartsWith(name, StringComparison.OrdinalIgnoreCase)).Select(l => int.Parse(l[name.Length..])).FirstOrDefault();
        return text + await socket.ReadAsync(length);
    }

    /// <summary>True when the other side reset the connection, false when it ended in peace.</summary>
    public static async Task<bool> IsResetAsync(this Socket socket)
    {
        try
        {
            await socket.ReadToEndAsync();
            return false;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    public static void Reset(this Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    /// <summary>Waits until <paramref name="condition"/> holds.</summary>
    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    /// <summary>Waits until <paramref name="condition"/> holds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var deadline = DateTime.UtcNow + Patience;
        while (!await condition())
        {
            Assert.True(DateTime.UtcNow < deadline, "The condition did not come about in time");
            await Task.Delay(5);
        }
    }
}

/// <summary>A real TCP server on loopback, served by the test itself.</summary>
internal sealed class Backend : IDisposable
{
    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);

    public Backend()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
    }

    public IPEndPoint Address => new(IPAddress.Loopback, ((IPEndPoint)_listener.LocalEndPoint!).Port);

    public async Task<Socket> AcceptAsync()
    {
        using var patience = new CancellationTokenSource(SocketExtensions.Patience);
        var socket = await _listener.AcceptAsync(patience.Token);
        socket.NoDelay = true;
        return socket;
    }

    public void Dispose() => _listener.Dispose();
}
