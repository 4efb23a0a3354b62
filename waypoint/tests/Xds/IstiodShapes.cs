using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Http.Router.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using Envoy.Extensions.Matching.CommonInputs.Network.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Xds;
using Waypoint.Xds.Delta.Client;
using Xds.Type.Matcher.V3;
using CidrRange = Xds.Core.V3.CidrRange;
using Cluster = Envoy.Config.Cluster.V3.Cluster;
using Endpoint = Envoy.Config.Endpoint.V3.Endpoint;
using Filter = Envoy.Config.Listener.V3.Filter;
using TypedExtensionConfig = Xds.Core.V3.TypedExtensionConfig;
using Wire = Envoy.Config.Route.V3;

namespace Waypoint.Proxy.Tests.Xds;

/// <summary>Resources as istiod shapes them for a waypoint.</summary>
internal static class IstiodShapes
{
    public static Resource Resource(string name, IMessage message) => new() { Name = name, Version = "1", Resource_ = Any.Pack(message) };

    public static IReadOnlyList<Rejection> Send(this MeshModel model, params Listener[] listeners) =>
        model.Apply(ResourceTypes.Listener, listeners.Select(l => Resource(l.Name, l)), []);

    public static IReadOnlyList<Rejection> Send(this MeshModel model, params Cluster[] clusters) =>
        model.Apply(ResourceTypes.Cluster, clusters.Select(c => Resource(c.Name, c)), []);

    public static IReadOnlyList<Rejection> Send(this MeshModel model, params ClusterLoadAssignment[] assignments) =>
        model.Apply(ResourceTypes.Endpoints, assignments.Select(a => Resource(a.ClusterName, a)), []);

    public static IReadOnlyList<Rejection> Send(this MeshModel model, params RouteConfiguration[] routes) =>
        model.Apply(ResourceTypes.Routes, routes.Select(r => Resource(r.Name, r)), []);

    public static Cluster EdsCluster(string name) => new()
    {
        Name = name,
        Type = Cluster.Types.DiscoveryType.Eds,
        EdsClusterConfig = new Cluster.Types.EdsClusterConfig { ServiceName = name },
        LbPolicy = Cluster.Types.LbPolicy.LeastRequest,
        ConnectTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(10)),
    };

    public static ClusterLoadAssignment Endpoints(string cluster, params string[] addresses)
    {
        var assignment = new ClusterLoadAssignment { ClusterName = cluster };
        var group = new LocalityLbEndpoints { LoadBalancingWeight = (uint)addresses.Length, Locality = new Envoy.Config.Core.V3.Locality() };
        group.LbEndpoints.AddRange(addresses.Select(address => new LbEndpoint
        {
            Endpoint = new Endpoint { Address = Socket(address) },
            HealthStatus = HealthStatus.Healthy,
            LoadBalancingWeight = 1,
        }));
        assignment.Endpoints.Add(group);
        return assignment;
    }

    public static Address Socket(string address)
    {
        var colon = address.LastIndexOf(':');
        return new Address { SocketAddress = new SocketAddress { Address = address[..colon], PortValue = uint.Parse(address[(colon + 1)..]) } };
    }

    public static Wire.Route Route(string name, string cluster, Wire.RouteMatch? match = null) => new()
    {
        Name = name,
        Match = match ?? new Wire.RouteMatch { Prefix = "/" },
        Route_ = new Wire.RouteAction { Cluster = cluster, Timeout = new Duration() },
    };

    public static RouteConfiguration Configuration(string name, params Wire.Route[] routes)
    {
        var host = new Wire.VirtualHost { Name = "inbound|http|80" };
        host.Domains.Add("*");
        host.Routes.AddRange(routes);
        return new RouteConfiguration { Name = name, VirtualHosts = { host } };
    }

    public static HttpConnectionManager Manager(params Wire.Route[] routes) => new()
    {
        RouteConfig = Configuration("routes", routes),
        HttpFilters = { new HttpFilter { Name = "envoy.filters.http.router", TypedConfig = Any.Pack(new Router()) } },
        NormalizePath = true,
        ServerName = "istio-envoy",
        StreamIdleTimeout = new Duration(),
        UpgradeConfigs = { new HttpConnectionManager.Types.UpgradeConfig { UpgradeType = "websocket" } },
    };

    public static FilterChain HttpChain(string name, HttpConnectionManager manager) =>
        Chain(name, "envoy.filters.network.http_connection_manager", manager);

    public static FilterChain HttpChain(string name, params Wire.Route[] routes) => HttpChain(name, Manager(routes));

    public static FilterChain TcpChain(string name, string cluster) =>
        Chain(name, "envoy.filters.network.tcp_proxy", new TcpProxy { Cluster = cluster, StatPrefix = cluster });

    public static Listener MainInternal(Matcher matcher, params FilterChain[] chains) => new()
    {
        Name = "main_internal",
        FilterChainMatcher = matcher,
        FilterChains = { chains },
        InternalListener = new Listener.Types.InternalListenerConfig(),
    };

    /// <summary>One service address whose ports lead to chains.</summary>
    public static Matcher Address(string range, params (int Port, Matcher.Types.OnMatch Match)[] ports) => Addresses((range, ports));

    public static Matcher Addresses(params (string Range, (int Port, Matcher.Types.OnMatch Match)[] Ports)[] services)
    {
        var ranges = new IPMatcher();
        foreach (var (range, ports) in services)
        {
            var network = System.Net.IPNetwork.Parse(range);
            ranges.RangeMatchers.Add(new IPMatcher.Types.IPRangeMatcher
            {
                Ranges = { new CidrRange { AddressPrefix = network.BaseAddress.ToString(), PrefixLen = (uint)network.PrefixLength } },
                OnMatch = new Matcher.Types.OnMatch { Matcher = Map("port", new DestinationPortInput(), [.. ports.Select(p => (p.Port.ToString(), p.Match))]) },
            });
        }

        return new Matcher
        {
            MatcherTree = new Matcher.Types.MatcherTree
            {
                Input = Extension("ip", new DestinationIPInput()),
                CustomMatch = Extension("ip", ranges),
            },
        };
    }

    public static Matcher.Types.OnMatch To(string chain) => new() { Action = Extension(chain, new StringValue { Value = chain }) };

    /// <summary>A port that declares no protocol.</summary>
    public static Matcher.Types.OnMatch ByProtocol(string http, string tcp)
    {
        var matcher = Map("application-protocol", new ApplicationProtocolInput(), [("'h2c'", To(http)), ("'http/1.1'", To(http))]);
        matcher.OnNoMatch = To(tcp);
        return new Matcher.Types.OnMatch { Matcher = matcher };
    }

    private static Matcher Map(string name, IMessage input, (string Key, Matcher.Types.OnMatch Match)[] entries)
    {
        var map = new Matcher.Types.MatcherTree.Types.MatchMap();
        foreach (var (key, match) in entries)
        {
            map.Map.Add(key, match);
        }

        return new Matcher { MatcherTree = new Matcher.Types.MatcherTree { Input = Extension(name, input), ExactMatchMap = map } };
    }

    private static TypedExtensionConfig Extension(string name, IMessage config) => new() { Name = name, TypedConfig = Any.Pack(config) };

    private static FilterChain Chain(string name, string filter, IMessage config) => new()
    {
        Name = name,
        Filters = { new Filter { Name = filter, TypedConfig = Any.Pack(config) } },
    };
}
