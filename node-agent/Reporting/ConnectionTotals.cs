namespace Waypoint.NodeAgent.Reporting;

/// <summary>What connections between the same two ends add up to. Written by one thread, read by any.</summary>
internal sealed class ConnectionTotals
{
    private long _opened;
    private long _closed;
    private long _failed;
    private long _fromClient;
    private long _toClient;

    public long Opened => Volatile.Read(ref _opened);

    public long Closed => Volatile.Read(ref _closed);

    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Bytes of payload from the client.</summary>
    public long FromClient => Volatile.Read(ref _fromClient);

    /// <summary>Bytes of payload to the client.</summary>
    public long ToClient => Volatile.Read(ref _toClient);

    public void Open() => Volatile.Write(ref _opened, _opened + 1);

    public void Fail() => Volatile.Write(ref _failed, _failed + 1);

    public void Close(ulong fromClient, ulong toClient)
    {
        Volatile.Write(ref _closed, _closed + 1);
        Volatile.Write(ref _fromClient, _fromClient + (long)fromClient);
        Volatile.Write(ref _toClient, _toClient + (long)toClient);
    }
}
