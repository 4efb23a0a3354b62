using System.Collections.Immutable;
using System.Net;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Waypoint.Proxy.LoadBalancing.Dns;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Endpoints of which some are known by name only.</summary>
/// <param name="Assignment">With names where addresses should be.</param>
/// <param name="Settings">How the names are resolved.</param>
internal sealed record NamedEndpoints(ClusterLoadAssignment Assignment, DnsSettings Settings)
{
    /// <summary>The names, each once.</summary>
    public IReadOnlyCollection<string> Hosts { get; } =
    [
        .. Assignment.Endpoints.SelectMany(group => group.LbEndpoints).Select(NameOf).OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase),
    ];

    /// <summary>The same with addresses: an endpoint for each of a name's, and none for a name that has none.</summary>
    public ClusterLoadAssignment With(IReadOnlyDictionary<string, ImmutableArray<IPAddress>> addresses)
    {
        var resolved = Assignment.Clone();
        foreach (var group in resolved.Endpoints)
        {
            LbEndpoint[] named = [.. group.LbEndpoints];
            group.LbEndpoints.Clear();
            foreach (var endpoint in named)
            {
                if (NameOf(endpoint) is not { } host)
                {
                    group.LbEndpoints.Add(endpoint);
                    continue;
                }

                foreach (var address in Of(host, addresses))
                {
                    var one = endpoint.Clone();
                    one.Endpoint.Hostname = one.Endpoint.Hostname is { Length: > 0 } given ? given : host;
                    one.Endpoint.Address.SocketAddress.Address = address.ToString();
                    group.LbEndpoints.Add(one);
                }
            }
        }

        return resolved;
    }

    // Names are told apart without case.
    private static ImmutableArray<IPAddress> Of(string host, IReadOnlyDictionary<string, ImmutableArray<IPAddress>> addresses)
    {
        foreach (var (name, found) in addresses)
        {
            if (name.Equals(host, StringComparison.OrdinalIgnoreCase))
            {
                return found;
            }
        }

        return [];
    }

    private static string? NameOf(LbEndpoint endpoint) =>
        endpoint.Endpoint?.Address is { AddressCase: Address.AddressOneofCase.SocketAddress, SocketAddress.Address: { Length: > 0 } host } && !IPAddress.TryParse(host, out _)
            ? host
            : null;
}
