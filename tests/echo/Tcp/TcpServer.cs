using System.Net;
using System.Net.Sockets;

namespace Waypoint.Echo.Tcp;

/// <summary>One accepted connection and the version that the backend calls itself.</summary>
internal sealed record TcpSession(Socket Socket, NetworkStream Stream, string Version);

/// <summary>Accepts on both families and holds one conversation a connection.</summary>
internal static class TcpServer
{
    private const int Backlog = 4096;

    /// <summary>Listens before it returns; serves until the process ends.</summary>
    internal static void Start(int port, string version, Func<TcpSession, Task> serve)
    {
        Socket listener = new(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        listener.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        listener.Listen(Backlog);
        _ = AcceptAsync(listener, version, serve);
    }

    private static async Task AcceptAsync(Socket listener, string version, Func<TcpSession, Task> serve)
    {
        while (true)
        {
            Socket socket = await listener.AcceptAsync();
            _ = ConverseAsync(socket, version, serve);
        }
    }

    private static async Task ConverseAsync(Socket socket, string version, Func<TcpSession, Task> serve)
    {
        socket.NoDelay = true;
        await using NetworkStream stream = new(socket, ownsSocket: true);
        try
        {
            await serve(new TcpSession(socket, stream, version));
        }
        catch (IOException exception)
        {
            await Console.Error.WriteLineAsync($"{socket.RemoteEndPoint}: {exception.Message}");
        }
    }
}
