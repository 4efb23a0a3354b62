using System.Globalization;
using System.Net;
using Envoy.Extensions.Matching.CommonInputs.Network.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.GatewayApi.Model;
using Waypoint.Xds.Delta;
using Xds.Core.V3;
using Xds.Type.Matcher.V3;

namespace Waypoint.GatewayApi.Translation;

/// <summary>The tree that leads from a connection's destination to a filter chain: address, port, and for undeclared ports the sniffed protocol.</summary>
internal static class MatcherTranslation
{
    private static readonly TypedExtensionConfig AddressInput = ProtoValues.Extension("ip", new DestinationIPInput());
    private static readonly TypedExtensionConfig PortInput = ProtoValues.Extension("port", new DestinationPortInput());
    private static readonly TypedExtensionConfig ProtocolInput = ProtoValues.Extension("application-protocol", new ApplicationProtocolInput());

    /// <summary>The branch of a service's addresses; null when it has none, or no TCP port.</summary>
    public static IPMatcher.Types.IPRangeMatcher? Service(Service service, string hostname)
    {
        Matcher.Types.MatcherTree.Types.MatchMap ports = new();
        foreach (ServicePort port in service.Ports)
        {
            PortProtocol protocol = PortProtocols.Of(port);
            if (protocol == PortProtocol.Udp)
            {
                continue;
            }

            string tcp = ResourceNames.Inbound(port.Port, false, hostname);
            string http = ResourceNames.Inbound(port.Port, true, hostname);
            ports.Map[port.Port.ToString(CultureInfo.InvariantCulture)] =
                protocol == PortProtocol.Unknown ? new Matcher.Types.OnMatch { Matcher = Sniffed(tcp, http) } : Chain(protocol.IsHttp() ? http : tcp);
        }

        if (ports.Map.Count == 0 || service.ClusterIPs.IsEmpty)
        {
            return null;
        }

        return Ranges(service.ClusterIPs, new Matcher
        {
            MatcherTree = new Matcher.Types.MatcherTree { Input = PortInput, ExactMatchMap = ports },
        });
    }

    /// <summary>The branch of workloads' own addresses, at every port.</summary>
    public static IPMatcher.Types.IPRangeMatcher Workloads(IEnumerable<IPAddress> addresses) =>
        Ranges(addresses, Sniffed(ResourceNames.DirectTcp, ResourceNames.DirectHttp));

    /// <summary>The whole tree, around branches that are serialised already.</summary>
    public static Matcher Tree(ByteString branches) => new()
    {
        MatcherTree = new Matcher.Types.MatcherTree
        {
            Input = AddressInput,
            CustomMatch = new TypedExtensionConfig
            {
                Name = "ip",
                TypedConfig = new Any { TypeUrl = ResourceTypes.UrlOf(IPMatcher.Descriptor), Value = branches },
            },
        },
    };

    private static IPMatcher.Types.IPRangeMatcher Ranges(IEnumerable<IPAddress> addresses, Matcher matcher)
    {
        IPMatcher.Types.IPRangeMatcher ranges = new() { OnMatch = new Matcher.Types.OnMatch { Matcher = matcher } };
        ranges.Ranges.Add(addresses.Select(ProtoValues.Host));
        return ranges;
    }

    private static Matcher Sniffed(string tcp, string http) => new()
    {
        MatcherTree = new Matcher.Types.MatcherTree
        {
            Input = ProtocolInput,
            // The sniffed protocols are a quoted list, of which each of these is the only member.
            ExactMatchMap = new Matcher.Types.MatcherTree.Types.MatchMap { Map = { ["'h2c'"] = Chain(http), ["'http/1.1'"] = Chain(http) } },
        },
        OnNoMatch = Chain(tcp),
    };

    private static Matcher.Types.OnMatch Chain(string name) => new() { Action = ProtoValues.Extension(name, new StringValue { Value = name }) };
}
