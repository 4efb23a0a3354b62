using System.Net;

namespace Waypoint.Proxy.Mesh;

/// <summary>Everything that the configuration says about destinations, at one moment. Immutable; see <see cref="MeshState"/>.</summary>
internal sealed class MeshSnapshot(DestinationTable destinations)
{
    /// <summary>A snapshot of single addresses and ports.</summary>
    public MeshSnapshot(IEnumerable<KeyValuePair<IPEndPoint, Destination>> services)
        : this(new DestinationTable(
            from service in services
            group service by AddressKey.Of(service.Key.Address) into address
            let first = address.First().Key.Address
            select (
                new IPNetwork(first, first.GetAddressBytes().Length * 8),
                new PortDestinations(address.ToDictionary(s => s.Key.Port, s => s.Value), null))))
    {
    }

    public static MeshSnapshot Empty { get; } = new(new DestinationTable([]));

    public DestinationTable Destinations { get; } = destinations;

    /// <summary>
    /// Finds what serves connections to <paramref name="original"/>; null when the configuration has nothing for it.
    /// IPv4 addresses mapped into IPv6 are IPv4 addresses.
    /// </summary>
    public Destination? FindDestination(IPEndPoint original) => Destinations.Find(original);
}

/// <summary>Holds the snapshot in force. Readers take it once per connection or request and keep it; a change is one volatile write.</summary>
internal sealed class MeshState
{
    private volatile MeshSnapshot _current = MeshSnapshot.Empty;

    public MeshSnapshot Current => _current;

    /// <summary>Who is behind an address.</summary>
    public WorkloadDirectory Workloads { get; } = new();

    public void Publish(MeshSnapshot snapshot) => _current = snapshot;
}
