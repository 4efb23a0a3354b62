namespace Waypoint.Proxy.Tcp;

/// <summary>Hears of pass-through connections, on the loop's thread: it must not block.</summary>
internal interface ITcpObserver
{
    /// <summary>An endpoint accepted the connection.</summary>
    void Opened(TcpConnection connection);

    /// <summary>It is over, also when it was never opened.</summary>
    void Closed(TcpConnection connection);
}
