namespace Waypoint.Proxy.Tcp;

/// <summary>Totals of pass-through connections.</summary>
internal sealed class TcpCounters : ITcpObserver
{
    private long _opened, _closed, _received, _sent;

    public long Opened => Volatile.Read(ref _opened);

    public long Closed => Volatile.Read(ref _closed);

    public long BytesReceived => Volatile.Read(ref _received);

    public long BytesSent => Volatile.Read(ref _sent);

    void ITcpObserver.Opened(TcpConnection connection) => Interlocked.Increment(ref _opened);

    void ITcpObserver.Closed(TcpConnection connection)
    {
        Interlocked.Increment(ref _closed);
        Interlocked.Add(ref _received, connection.BytesReceived);
        Interlocked.Add(ref _sent, connection.BytesSent);
    }
}
