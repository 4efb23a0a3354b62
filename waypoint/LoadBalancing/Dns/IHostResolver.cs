using System.Net;
using System.Net.Sockets;

namespace Waypoint.Proxy.LoadBalancing.Dns;

/// <summary>Finds the addresses of names.</summary>
internal interface IHostResolver
{
    /// <param name="host">The name.</param>
    /// <param name="family">Internet, version 4 or 6.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>None when the name has none of that family.</returns>
    /// <exception cref="SocketException">There was no answer, or none that says.</exception>
    Task<IPAddress[]> ResolveAsync(string host, AddressFamily family, CancellationToken cancellation);
}

/// <summary>The resolver of the system, with its hosts file and search domains.</summary>
internal sealed class SystemResolver : IHostResolver
{
    public static SystemResolver Instance { get; } = new();

    public async Task<IPAddress[]> ResolveAsync(string host, AddressFamily family, CancellationToken cancellation)
    {
        try
        {
            return await System.Net.Dns.GetHostAddressesAsync(host, family, cancellation).ConfigureAwait(false);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.NoData)
        {
            return [];
        }
    }
}
