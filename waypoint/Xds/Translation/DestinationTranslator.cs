using System.Globalization;
using System.Net;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Mesh;
using Xds.Core.V3;
using Xds.Type.Matcher.V3;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>
/// The matcher tree that leads from an original destination to a filter chain: address, then port, then (where a port declares no
/// protocol) what the first bytes look like.
/// </summary>
internal sealed class DestinationTranslator(Func<string, (HttpChain? Http, TcpChain? Tcp)?> chain, TranslationScope scope)
{
    private const string Inputs = "envoy.extensions.matching.common_inputs.network.v3.";
    private const string DestinationIP = Inputs + "DestinationIPInput";
    private const string DestinationPort = Inputs + "DestinationPortInput";
    private const string ApplicationProtocol = Inputs + "ApplicationProtocolInput";

    public DestinationTable Translate(Matcher matcher)
    {
        using var part = scope.Enter("filter_chain_matcher");
        while (Input(matcher) is not (DestinationIP or DestinationPort or ApplicationProtocol))
        {
            // The name of a service in a multi-network mesh's CONNECT comes before the address; connections from the kernel have none.
            scope.Unsupported($"matcher input {Input(matcher)}");
            matcher = matcher.OnNoMatch?.Matcher ?? throw scope.Invalid("on_no_match", "no matcher by address");
        }

        if (Input(matcher) != DestinationIP)
        {
            return new DestinationTable([], Ports(matcher));
        }

        var tree = matcher.MatcherTree;
        var ranges = tree.CustomMatch?.TypedConfig is { } config && config.Is(IPMatcher.Descriptor)
            ? config.Open<IPMatcher>(scope, "matcher_tree.custom_match")
            : throw scope.Invalid("matcher_tree.custom_match", "an IPMatcher is needed");
        return new DestinationTable(
            ranges.RangeMatchers.SelectMany(Range).ToArray(),
            matcher.OnNoMatch is { } noMatch ? Ports(noMatch) : null);
    }

    private IEnumerable<(IPNetwork, PortDestinations)> Range(IPMatcher.Types.IPRangeMatcher range)
    {
        if (range.OnMatch is null)
        {
            throw scope.Invalid("range_matchers.on_match", "missing");
        }

        var ports = Ports(range.OnMatch);
        return range.Ranges.Select(cidr => (Network(cidr), ports));
    }

    private IPNetwork Network(CidrRange cidr)
    {
        if (!IPAddress.TryParse(cidr.AddressPrefix, out var address))
        {
            throw scope.Invalid("ranges.address_prefix", $"'{cidr.AddressPrefix}' is not an IP address");
        }

        var bits = address.GetAddressBytes().Length * 8;
        var length = cidr.PrefixLen ?? 0;
        if (length > bits)
        {
            throw scope.Invalid("ranges.prefix_len", $"{length} is more than {bits}");
        }

        // Envoy does not mind bits beyond the prefix.
        var family = bits == 32 ? 96 : 0;
        return new IPNetwork(AddressKey.Of(address).Masked((int)length + family).ToAddress(), (int)length);
    }

    private PortDestinations Ports(Matcher.Types.OnMatch match) =>
        match.Matcher is { } matcher
            ? Ports(matcher)
            : new PortDestinations(new Dictionary<int, Destination>(), Of(match.Action));

    private PortDestinations Ports(Matcher matcher)
    {
        if (Input(matcher) == ApplicationProtocol)
        {
            return new PortDestinations(new Dictionary<int, Destination>(), ByProtocol(matcher));
        }

        if (Input(matcher) != DestinationPort || matcher.MatcherTree.ExactMatchMap is not { } map)
        {
            throw scope.Invalid("on_match.matcher", "an exact map of destination ports is needed");
        }

        var byPort = new Dictionary<int, Destination>();
        foreach (var (text, match) in map.Map)
        {
            using var part = scope.Enter($"port '{text}'");
            if (!ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            {
                throw scope.Invalid("exact_match_map", "not a port");
            }

            if (!byPort.TryAdd(port, match.Matcher is { } inner ? ByProtocol(inner) : Of(match.Action)))
            {
                throw scope.Invalid("exact_match_map", "the port occurs twice");
            }
        }

        return new PortDestinations(byPort, matcher.OnNoMatch is { } otherwise ? Otherwise(otherwise) : null);
    }

    private Destination Otherwise(Matcher.Types.OnMatch match) => match.Matcher is { } inner ? ByProtocol(inner) : Of(match.Action);

    // Both maps name one HTTP chain, whatever the version of HTTP: versions are told apart by the listening plane.
    private Destination ByProtocol(Matcher matcher)
    {
        if (Input(matcher) != ApplicationProtocol || matcher.MatcherTree.ExactMatchMap is not { } map)
        {
            throw scope.Invalid("matcher", "an exact map of application protocols is needed");
        }

        var http = map.Map.TryGetValue("'http/1.1'", out var match) || map.Map.TryGetValue("'h2c'", out match) ? Of(match.Action) : null;
        var other = matcher.OnNoMatch is { } noMatch ? Of(noMatch.Action) : null;
        return new Destination(http?.Http, other?.Tcp);
    }

    private Destination Of(TypedExtensionConfig? action)
    {
        if (action?.TypedConfig is not { } config || !config.Is(StringValue.Descriptor))
        {
            throw scope.Invalid("action", "the name of a filter chain is needed");
        }

        var name = config.Open<StringValue>(scope, "action").Value;
        return chain(name) is var (http, tcp)
            ? new Destination(http, tcp)
            : throw scope.Invalid("action", $"there is no filter chain '{name}'");
    }

    private string Input(Matcher matcher)
    {
        if (matcher.MatcherTypeCase != Matcher.MatcherTypeOneofCase.MatcherTree)
        {
            throw scope.Invalid("matcher_type", "a matcher tree is needed");
        }

        return matcher.MatcherTree.Input?.TypedConfig?.TypeName() ?? throw scope.Invalid("matcher_tree.input", "missing");
    }
}
