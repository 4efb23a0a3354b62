using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Xds.Delta;

namespace Waypoint.Xds.Tests.Delta;

public sealed class ResourceJsonTests
{
    [Fact]
    public void What_is_inside_an_Any_is_written_out()
    {
        var json = ResourceJson.Format(Listener(new HttpConnectionManager { StatPrefix = "inbound" }));
        Assert.Contains("\"statPrefix\": \"inbound\"", json, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_type_deep_inside_is_told_and_the_rest_stays()
    {
        var manager = new HttpConnectionManager { StatPrefix = "inbound" };
        manager.HttpFilters.Add(new HttpFilter
        {
            Name = "strange", TypedConfig = new Any { TypeUrl = "type.googleapis.com/some.vendor.Filter", Value = ByteString.CopyFrom(1, 2, 3) },
        });
        var listener = Listener(manager);
        var before = listener.Clone();
        var json = ResourceJson.Format(listener);
        Assert.Contains("some.vendor.Filter, 3 bytes", json, StringComparison.Ordinal);
        Assert.Contains("\"statPrefix\": \"inbound\"", json, StringComparison.Ordinal);
        Assert.Equal(before, listener);
    }

    private static Listener Listener(HttpConnectionManager manager)
    {
        var listener = new Listener { Name = "main_internal" };
        listener.FilterChains.Add(new FilterChain { Filters = { new Filter { Name = "hcm", TypedConfig = Any.Pack(manager) } } });
        return listener;
    }
}
