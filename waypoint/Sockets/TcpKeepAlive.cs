namespace Waypoint.Proxy.Sockets;

/// <summary>Probes that find out about a peer which vanished without a word, at ztunnel's pace: after 180 s, every 180 s, nine times.</summary>
internal static unsafe class TcpKeepAlive
{
    private const int IdleSeconds = 180, IntervalSeconds = 180, Probes = 9;

    /// <summary>Switches them on; a listening socket hands them down to what it accepts.</summary>
    public static void Enable(int descriptor)
    {
        Set(descriptor, Linux.SocketLevel, Linux.KeepAlive, 1);
        Set(descriptor, Linux.TcpLevel, Linux.TcpKeepIdle, IdleSeconds);
        Set(descriptor, Linux.TcpLevel, Linux.TcpKeepInterval, IntervalSeconds);
        Set(descriptor, Linux.TcpLevel, Linux.TcpKeepCount, Probes);
    }

    private static void Set(int descriptor, int level, int name, int value) =>
        _ = Libc.SetSocketOption(descriptor, level, name, (byte*)&value, sizeof(int));
}
