using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Waypoint.TestBed.Traffic;

/// <summary>What a plain TCP server said, and when it began to, counted from before the connect().</summary>
public sealed record TcpAnswer(string Text, TimeSpan FirstByte);

/// <summary>Plain TCP conversations, as a client.</summary>
public static class TcpExchange
{
    /// <summary>Sends a text, then its FIN, and reads until the server's FIN.</summary>
    public static async Task<TcpAnswer> AskAsync(Sandbox from, string host, int port, string text, CancellationToken cancellation = default)
    {
        long start = Stopwatch.GetTimestamp();
        using Socket socket = await from.ConnectAsync(host, port, cancellation).ConfigureAwait(false);
        await socket.SendAsync(Encoding.Latin1.GetBytes(text), cancellation).ConfigureAwait(false);
        socket.Shutdown(SocketShutdown.Send);
        StringBuilder answer = new();
        TimeSpan first = TimeSpan.Zero;
        byte[] buffer = new byte[16 * 1024];
        while (await socket.ReceiveAsync(buffer, cancellation).ConfigureAwait(false) is > 0 and int read)
        {
            first = first == TimeSpan.Zero ? Stopwatch.GetElapsedTime(start) : first;
            answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        return new TcpAnswer(answer.ToString(), first);
    }

    /// <summary>Stays silent and reads what a server says first.</summary>
    public static async Task<TcpAnswer> ListenAsync(Sandbox from, string host, int port, CancellationToken cancellation = default)
    {
        long start = Stopwatch.GetTimestamp();
        using Socket socket = await from.ConnectAsync(host, port, cancellation).ConfigureAwait(false);
        byte[] buffer = new byte[16 * 1024];
        int read = await socket.ReceiveAsync(buffer, cancellation).ConfigureAwait(false);
        return new TcpAnswer(Encoding.Latin1.GetString(buffer, 0, read), Stopwatch.GetElapsedTime(start));
    }

    /// <summary>The median time to a server's first byte over some connections, one after the other.</summary>
    public static async Task<TimeSpan> MedianGreetingAsync(Sandbox from, string host, int port, int connections, CancellationToken cancellation = default)
    {
        List<TimeSpan> times = [];
        for (int connection = 0; connection < connections; connection++)
        {
            times.Add((await ListenAsync(from, host, port, cancellation).ConfigureAwait(false)).FirstByte);
        }
        times.Sort();
        return times[times.Count / 2];
    }
}
