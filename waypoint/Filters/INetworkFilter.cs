using Waypoint.Proxy.Tcp;

namespace Waypoint.Proxy.Filters;

/// <summary>One network filter of a chain for bytes. It runs once, before a backend is dialled.</summary>
internal interface INetworkFilter
{
    /// <returns>False when the connection is to be closed.</returns>
    ValueTask<bool> OnConnectionAsync(TcpConnection connection);
}
