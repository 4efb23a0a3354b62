using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Waypoint.Echo.Tcp;

/// <summary>The ways in which plain TCP protocols take turns.</summary>
internal static class TcpConversations
{
    /// <summary>Sends back every byte, and its FIN after the client's.</summary>
    internal static Task EchoAsync(TcpSession session) => session.Stream.CopyToAsync(session.Stream);

    /// <summary>Speaks first, as MySQL, SMTP and SSH do.</summary>
    internal static async Task GreetAsync(TcpSession session)
    {
        await session.Stream.WriteAsync(Encoding.ASCII.GetBytes($"hello from {session.Version}\n"));
        await EchoAsync(session);
    }

    /// <summary>Stays silent until the client's FIN: an intermediary that turns a FIN into a full close loses the answer.</summary>
    internal static async Task AnswerAfterFinAsync(TcpSession session)
    {
        long received = 0;
        byte[] buffer = new byte[16 * 1024];
        while (await session.Stream.ReadAsync(buffer) is > 0 and int read)
        {
            received += read;
        }
        await session.Stream.WriteAsync(Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{session.Version} received {received} bytes\n")));
        session.Socket.Shutdown(SocketShutdown.Send);
    }
}
