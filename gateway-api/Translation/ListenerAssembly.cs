using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Listener.HttpInspector.V3;
using Envoy.Extensions.Filters.Listener.OriginalDst.V3;
using Envoy.Type.V3;
using Google.Protobuf;
using Xds.Type.Matcher.V3;

namespace Waypoint.GatewayApi.Translation;

/// <summary>
/// A waypoint's one listener for traffic into the mesh. It holds the chains of all its services, so at 2,000 services it is megabytes:
/// each chain is kept serialised and the listener is put together by copying, which the wire format allows (a repeated field is its
/// items one after the other). One changed route costs its own chain and a copy.
/// </summary>
internal static class ListenerAssembly
{
    private const int ChainField = Listener.FilterChainsFieldNumber;
    private const int BranchField = IPMatcher.RangeMatchersFieldNumber;

    /// <param name="chains">Serialised filter chains, in order.</param>
    /// <param name="branches">Serialised branches of the matcher, in order.</param>
    /// <param name="declared">Ports at which no connection needs to be sniffed; null where all do.</param>
    public static ByteString Assemble(IReadOnlyCollection<ByteString> chains, IReadOnlyCollection<ByteString> branches, IEnumerable<int>? declared)
    {
        Listener rest = new()
        {
            Name = ResourceNames.MainListener,
            InternalListener = new Listener.Types.InternalListenerConfig(),
            TrafficDirection = TrafficDirection.Inbound,
            FilterChainMatcher = MatcherTranslation.Tree(Concatenate(BranchField, branches, null)),
            ListenerFilters =
            {
                new ListenerFilter { Name = "envoy.filters.listener.original_dst", TypedConfig = ProtoValues.Pack(new OriginalDst()) },
                new ListenerFilter
                {
                    Name = "envoy.filters.listener.http_inspector",
                    TypedConfig = ProtoValues.Pack(new HttpInspector()),
                    FilterDisabled = Ports(declared),
                },
            },
        };
        return Concatenate(ChainField, chains, rest);
    }

    private static ByteString Concatenate(int field, IReadOnlyCollection<ByteString> items, Listener? rest)
    {
        uint tag = WireFormat.MakeTag(field, WireFormat.WireType.LengthDelimited);
        int size = rest?.CalculateSize() ?? 0;
        foreach (ByteString item in items)
        {
            size += CodedOutputStream.ComputeUInt32Size(tag) + CodedOutputStream.ComputeBytesSize(item);
        }

        byte[] bytes = new byte[size];
        using (CodedOutputStream output = new(bytes))
        {
            foreach (ByteString item in items)
            {
                output.WriteTag(tag);
                output.WriteBytes(item);
            }

            rest?.WriteTo(output);
        }

        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    private static ListenerFilterChainMatchPredicate? Ports(IEnumerable<int>? declared)
    {
        ListenerFilterChainMatchPredicate.Types.MatchSet any = new();
        foreach (int port in declared?.Order() ?? Enumerable.Empty<int>())
        {
            any.Rules.Add(new ListenerFilterChainMatchPredicate
            {
                DestinationPortRange = new Int32Range { Start = port, End = port + 1 },
            });
        }

        return any.Rules.Count switch
        {
            0 => null,
            1 => any.Rules[0],
            _ => new ListenerFilterChainMatchPredicate { OrMatch = any },
        };
    }
}
