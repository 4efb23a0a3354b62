using Waypoint.Proxy.Tcp;

namespace Waypoint.Proxy.Filters;

/// <summary>One network filter of a chain for bytes. It runs once, before a backend is dialled.</summary>
internal interface INetworkFilter
{
    /// <summary>It looks at <see cref="TcpConnection.ServerName"/>, for which the client must speak first.</summary>
    bool NeedsServerName => false;

    /// <returns>False when the connection is to be closed.</returns>
    ValueTask<bool> OnConnectionAsync(TcpConnection connection);
}
