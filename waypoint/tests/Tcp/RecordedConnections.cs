using Waypoint.Proxy.Tcp;

namespace Waypoint.Proxy.Tests.Tcp;

/// <summary>Counts what the observer hears.</summary>
internal sealed class RecordedConnections : ITcpObserver
{
    private long _opened, _closed, _received, _sent;

    public long Opened => Volatile.Read(ref _opened);

    public long Closed => Volatile.Read(ref _closed);

    public long BytesReceived => Volatile.Read(ref _received);

    public long BytesSent => Volatile.Read(ref _sent);

    public TcpConnection? Last { get; private set; }

    void ITcpObserver.Opened(TcpConnection connection) => Interlocked.Increment(ref _opened);

    void ITcpObserver.Closed(TcpConnection connection)
    {
        Last = connection;
        Interlocked.Add(ref _received, connection.BytesReceived);
        Interlocked.Add(ref _sent, connection.BytesSent);
        Interlocked.Increment(ref _closed);
    }
}
