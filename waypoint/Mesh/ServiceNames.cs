using System.Collections.Frozen;
using System.Net;

namespace Waypoint.Proxy.Mesh;

/// <summary>The service addresses of a snapshot by host name and port, for clients that name the service (an HBONE peer of another network). Immutable.</summary>
internal sealed class ServiceNames
{
    private readonly FrozenDictionary<(string Host, int Port), IPEndPoint> _addresses;

    public ServiceNames(IEnumerable<(IPAddress Address, PortDestinations Ports)> services)
    {
        var addresses = new Dictionary<(string, int), IPEndPoint>();
        foreach (var (address, ports) in services)
        {
            foreach (var (port, destination) in ports.ByPort)
            {
                if (HostOf(destination) is { } host)
                {
                    // Of a service's two families either will do: both lead to the same chain.
                    addresses.TryAdd((host, port), new IPEndPoint(address, port));
                }
            }
        }

        _addresses = addresses.ToFrozenDictionary();
    }

    /// <param name="host">In lower case.</param>
    /// <param name="port">The service's port.</param>
    public IPEndPoint? Find(string host, int port) => _addresses.GetValueOrDefault((host, port));

    // istiod's names of chains are inbound-vip|PORT|PROTOCOL|HOST.
    private static string? HostOf(Destination destination) =>
        (destination.Http?.Name ?? destination.Tcp?.Name)?.Split('|') is ["inbound-vip", _, _, { Length: > 0 } host] ? host.ToLowerInvariant() : null;
}
