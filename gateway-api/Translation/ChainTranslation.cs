using System.Globalization;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Common.SetFilterState.V3;
using Envoy.Extensions.Filters.Http.Fault.V3;
using Envoy.Extensions.Filters.Http.GrpcStats.V3;
using Envoy.Extensions.Filters.Http.Router.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using Envoy.Extensions.RequestId.Uuid.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Stats;
using Udpa.Type.V1;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Validation;
using EnvoyRoute = Envoy.Config.Route.V3.Route;
using Filter = Envoy.Config.Listener.V3.Filter;
using FilterConfig = Envoy.Extensions.Filters.Http.GrpcStats.V3.FilterConfig;

namespace Waypoint.GatewayApi.Translation;

/// <summary>A service port, and the routes on it, as filter chains.</summary>
internal sealed class ChainTranslation(RouteAttachment attachment, RouteTranslation routes, BackendResolver backends)
{
    private const uint DirectResponseLimit = 1024 * 1024;
    private const string LocalAddress = "envoy.filters.listener.original_dst.local_ip";

    private static readonly PluginConfig Stats = new() { DisableHostHeaderFallback = true, Reporter = Reporter.ServerGateway };

    private static readonly HttpFilter[] HttpFilters =
    [
        HttpFilter("envoy.filters.http.grpc_stats", new FilterConfig { EmitFilterState = true, StatsForAllMethods = false }),
        HttpFilter("envoy.filters.http.fault", new HTTPFault()),
        HttpFilter("envoy.filters.http.cors", new Envoy.Extensions.Filters.Http.Cors.V3.Cors()),
        // Finds out about the server's workload in WDS, as the next filter's labels say it.
        HttpFilter("waypoint_upstream_peer_metadata", Untyped("io.istio.http.peer_metadata.Config", new Struct
        {
            Fields =
            {
                ["upstream_discovery"] = Value.ForList(Value.ForStruct(new Struct { Fields = { ["workload_discovery"] = Value.ForStruct(new Struct()) } })),
            },
        })),
        HttpFilter("istio.stats", Stats),
        HttpFilter("envoy.filters.http.router", new Router()),
    ];

    private static readonly Filter[] TcpFilters =
    [
        NetworkFilter("istio.metadata_exchange", Untyped("envoy.tcp.metadataexchange.config.MetadataExchange", new Struct
        {
            Fields = { ["enable_discovery"] = Value.ForBool(true), ["protocol"] = Value.ForString("istio-peer-exchange") },
        })),
        NetworkFilter("istio.stats", Stats),
    ];

    /// <summary>The chain for HTTP: the routes that are attached, or everything to the service itself.</summary>
    public FilterChain Http(ChainContext chain)
    {
        string name = ResourceNames.Inbound(chain.Port.Port, true, chain.Hostname);
        List<RequestRoute> attached = attachment.RoutesOf<RequestRoute>(chain.Service, chain.Port);
        return Http(
            name,
            chain.Port.Port,
            PortProtocols.Of(chain.Port).IsHttp2(),
            attached.Count == 0,
            attached.Count == 0 ? [RouteTranslation.Default(name, chain.Hostname, chain.Port.Port)] : routes.Translate(attached, chain));
    }

    /// <summary>The chain for everything else: the backends of the oldest TCPRoute, or the service itself.</summary>
    public FilterChain Tcp(ChainContext chain)
    {
        string name = ResourceNames.Inbound(chain.Port.Port, false, chain.Hostname);
        TcpProxy proxy = new() { StatPrefix = name };
        if (attachment.RoutesOf<TcpRoute>(chain.Service, chain.Port).FirstOrDefault() is { } route)
        {
            AddBackends(proxy, route, chain);
        }
        else
        {
            proxy.Cluster = name;
        }

        return new FilterChain { Name = name, Filters = { TcpFilters, NetworkFilter("envoy.filters.network.tcp_proxy", proxy) } };
    }

    /// <summary>The two chains for traffic to workloads' own addresses.</summary>
    public static FilterChain[] Direct()
    {
        FilterChain tcp = new()
        {
            Name = ResourceNames.DirectTcp,
            Filters =
            {
                ConnectAuthority(),
                TcpFilters,
                NetworkFilter("envoy.filters.network.tcp_proxy", new TcpProxy { StatPrefix = ResourceNames.Encap, Cluster = ResourceNames.Encap }),
            },
        };
        FilterChain http = Http(ResourceNames.Encap, 0, false, true, [RouteTranslation.Default(ResourceNames.Encap, "", 0)]);
        http.Name = ResourceNames.DirectHttp;
        http.Filters.Insert(0, ConnectAuthority());
        return [tcp, http];
    }

    private void AddBackends(TcpProxy proxy, TcpRoute route, ChainContext chain)
    {
        List<BackendRef> weighted = [.. route.Backends.Where(backend => backend.Weight > 0)];
        if (weighted.Count == 1)
        {
            proxy.Cluster = routes.Cluster(backends.Resolve(route, weighted[0]), weighted[0], chain);
        }
        else if (weighted.Count == 0)
        {
            proxy.Cluster = ResourceNames.UnknownService;
        }
        else
        {
            proxy.WeightedClusters = new TcpProxy.Types.WeightedCluster();
            foreach (BackendRef backend in weighted)
            {
                proxy.WeightedClusters.Clusters.Add(new TcpProxy.Types.WeightedCluster.Types.ClusterWeight
                {
                    Name = routes.Cluster(backends.Resolve(route, backend), backend, chain),
                    Weight = (uint)backend.Weight,
                });
            }
        }
    }

    private static FilterChain Http(string name, int port, bool http2, bool defaults, IEnumerable<EnvoyRoute> routes)
    {
        string number = port.ToString(CultureInfo.InvariantCulture);
        VirtualHost host = new() { Name = $"inbound|http|{number}", Domains = { "*" } };
        host.Routes.Add(routes);
        HttpConnectionManager manager = new()
        {
            StatPrefix = $"inbound_0.0.0.0_{number};",
            RouteConfig = new RouteConfiguration { Name = name, VirtualHosts = { host }, ValidateClusters = false },
            Http2ProtocolOptions = http2 ? new Http2ProtocolOptions() : null,
            ServerName = "istio-envoy",
            UseRemoteAddress = false,
            NormalizePath = true,
            PathWithEscapedSlashesAction = HttpConnectionManager.Types.PathWithEscapedSlashesAction.KeepUnchanged,
            Proxy100Continue = true,
            StreamIdleTimeout = ProtoValues.Zero,
            UpgradeConfigs = { new HttpConnectionManager.Types.UpgradeConfig { UpgradeType = "websocket" } },
            RequestIdExtension = new RequestIDExtension
            {
                TypedConfig = ProtoValues.Pack(new UuidRequestIdConfig { UseRequestIdForTraceSampling = true }),
            },
        };
        if (defaults)
        {
            manager.RouteConfig.MaxDirectResponseBodySizeBytes = DirectResponseLimit;
        }

        manager.HttpFilters.Add(HttpFilters);
        return new FilterChain { Name = name, Filters = { NetworkFilter("envoy.filters.network.http_connection_manager", manager) } };
    }

    /// <summary>Hands the destination on to the listener that reaches it.</summary>
    private static Filter ConnectAuthority() => NetworkFilter("connect_authority", new Envoy.Extensions.Filters.Network.SetFilterState.V3.Config
    {
        OnNewConnection =
        {
            new FilterStateValue
            {
                ObjectKey = LocalAddress,
                FormatString = new SubstitutionFormatString
                {
                    TextFormatSource = new DataSource { InlineString = $"%FILTER_STATE({LocalAddress}:PLAIN)%" },
                },
                SharedWithUpstream = FilterStateValue.Types.SharedWithUpstream.Once,
            },
        },
    });

    private static TypedStruct Untyped(string type, Struct value) => new() { TypeUrl = "type.googleapis.com/" + type, Value = value };

    private static Filter NetworkFilter(string name, Google.Protobuf.IMessage config) => new() { Name = name, TypedConfig = ProtoValues.Pack(config) };

    private static HttpFilter HttpFilter(string name, Google.Protobuf.IMessage config) => new() { Name = name, TypedConfig = ProtoValues.Pack(config) };
}
