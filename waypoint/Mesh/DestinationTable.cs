using System.Net;
using System.Net.Sockets;

namespace Waypoint.Proxy.Mesh;

/// <summary>
/// Finds the destination for an original address and port. The longest prefix that holds the address and knows the port wins; a
/// whole address is a prefix of full length. Immutable.
/// </summary>
internal sealed class DestinationTable
{
    private const int Ipv4Offset = 96;

    private readonly (int Bits, Dictionary<AddressKey, PortDestinations> Prefixes)[] _byLength;
    private readonly Lazy<ServiceNames> _names;

    public DestinationTable(IEnumerable<(IPNetwork Range, PortDestinations Ports)> ranges, PortDestinations? otherwise = null)
    {
        Otherwise = otherwise;
        var byLength = new SortedDictionary<int, Dictionary<AddressKey, PortDestinations>>();
        foreach (var (range, ports) in ranges)
        {
            var bits = range.PrefixLength + (range.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? Ipv4Offset : 0);
            if (!byLength.TryGetValue(bits, out var prefixes))
            {
                byLength.Add(bits, prefixes = []);
            }

            // Of two equal ranges the first is in force.
            prefixes.TryAdd(AddressKey.Of(range.BaseAddress), ports);
        }

        _byLength = [.. byLength.Reverse().Select(l => (l.Key, l.Value))];
        _names = new Lazy<ServiceNames>(() => new ServiceNames(
            _byLength.Where(l => l.Bits == 128).SelectMany(l => l.Prefixes).Select(prefix => (prefix.Key.ToAddress(), prefix.Value))));
    }

    /// <summary>What serves addresses that no range holds; null for nothing.</summary>
    public PortDestinations? Otherwise { get; }

    /// <summary>Every range, for dumps.</summary>
    public IEnumerable<(string Range, PortDestinations Ports)> Ranges =>
        from length in _byLength
        from prefix in length.Prefixes
        select (prefix.Key.ToString(length.Bits), prefix.Value);

    /// <summary>The services by name; made when first asked for, as few meshes do.</summary>
    public ServiceNames Names => _names.Value;

    public Destination? Find(IPEndPoint original)
    {
        var address = AddressKey.Of(original.Address);
        foreach (var (bits, prefixes) in _byLength)
        {
            if (address.IsIPv4 && bits < Ipv4Offset)
            {
                break;
            }

            if (prefixes.TryGetValue(address.Masked(bits), out var ports) && ports.Find(original.Port) is { } destination)
            {
                return destination;
            }
        }

        return Otherwise?.Find(original.Port);
    }
}

/// <summary>The destinations of one address or range, by port.</summary>
/// <param name="ByPort">The ports that have a destination of their own.</param>
/// <param name="Otherwise">What serves every other port; null for nothing.</param>
internal sealed record PortDestinations(IReadOnlyDictionary<int, Destination> ByPort, Destination? Otherwise)
{
    public Destination? Find(int port) => ByPort.TryGetValue(port, out var destination) ? destination : Otherwise;
}
