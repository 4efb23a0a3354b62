using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Telemetry.AccessLogging;
using Waypoint.Proxy.Telemetry.Formatting;
using Waypoint.Proxy.Tests.Forwarding;
using Waypoint.Proxy.Tests.Xds;
using Waypoint.Proxy.Xds.Translation;
using Waypoint.Proxy.Xds.Translation.Filters;

namespace Waypoint.Proxy.Tests.Filters;

/// <summary>A proxy with one filter in its chain, configured as istiod does it: something for the chain, something for the route.</summary>
internal static class FilteredProxy
{
    private const string Name = "filter";

    public static Task<ProxyUnderTest> StartAsync(RouteAction action, IMessage chain, IMessage? route = null) =>
        ProxyUnderTest.StartAsync(Chain(action, chain, route));

    public static Proxy.Mesh.HttpChain Chain(RouteAction action, IMessage chain, IMessage? route)
    {
        var scope = new TranslationScope("test");
        IHttpFilter? filter = Catalogue.Whole.Http(new HttpFilter { Name = Name, TypedConfig = Any.Pack(chain) }, Slot, scope);
        var settings = route is null
            ? RouteFilterSettings.None
            : Catalogue.Whole.Route([new(Name, Any.Pack(route))], Slot, scope);
        Assert.Empty(scope.UnsupportedFeatures);
        var routed = ProxyUnderTest.RouteTo(action) with { FilterSettings = settings };
        return new Proxy.Mesh.HttpChain
        {
            Name = "filtered",
            Routes = new RouteTable([routed]),
            Filters = [filter!],
            ServerName = "istio-envoy",
            PathForm = PathForm.Normal,
            AccessLogs = [new(AccessLogger.StandardOutput, LineFormat.IstioDefault, Filter: null)],
        };
    }

    private static ClusterSlot Slot(string name) => new(name);
}
