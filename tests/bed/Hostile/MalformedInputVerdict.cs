using System.Net.Sockets;
using System.Text;

namespace Waypoint.TestBed.Hostile;

/// <summary>How a peer took a malformed input.</summary>
/// <param name="IsClean">A client error or a close, in time, and no backend answered.</param>
public sealed record MalformedInputVerdict(bool IsClean, string Seen)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    /// <summary>Sends the input from a pod and reads all there is to read. Only what is cut short is followed by a FIN.</summary>
    public static async Task<MalformedInputVerdict> OfAsync(MalformedInput input, Sandbox from, string host, int port)
    {
        using CancellationTokenSource deadline = new(Deadline);
        StringBuilder received = new();
        try
        {
            using Socket socket = await from.ConnectAsync(host, port, deadline.Token).ConfigureAwait(false);
            Task sending = SendAsync(socket, input, deadline.Token);
            byte[] buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer, deadline.Token).ConfigureAwait(false) is > 0 and int read)
            {
                received.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
            await sending.ConfigureAwait(false);
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return Judge(received.ToString());
        }
        catch (OperationCanceledException)
        {
            return new MalformedInputVerdict(false, $"still open after {Deadline.TotalSeconds:0} s, having said \"{received.ToString().Split('\r')[0]}\"");
        }
        return Judge(received.ToString());
    }

    private static MalformedInputVerdict Judge(string received) => received switch
    {
        "" => new(true, "closed"),
        _ when received.Contains("x-version", StringComparison.OrdinalIgnoreCase) => new(false, "a backend answered"),
        _ when received.StartsWith("HTTP/1.1 4", StringComparison.Ordinal) => new(true, received[9..received.IndexOf('\r', StringComparison.Ordinal)]),
        // A frame of HTTP/2: settings, or GOAWAY with its reason, before the close.
        _ when received[0] == '\0' => new(true, "GOAWAY"),
        _ => new(false, received[..Math.Min(received.Length, 60)]),
    };

    // The peer may refuse before it has read everything.
    private static async Task SendAsync(Socket socket, MalformedInput input, CancellationToken cancellation)
    {
        try
        {
            for (ReadOnlyMemory<byte> left = Encoding.Latin1.GetBytes(input.Bytes); !left.IsEmpty;)
            {
                left = left[await socket.SendAsync(left, cancellation).ConfigureAwait(false)..];
            }
            if (input.IsCutShort)
            {
                socket.Shutdown(SocketShutdown.Send);
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.NotConnected)
        {
            return;
        }
    }
}
