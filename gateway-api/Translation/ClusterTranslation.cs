using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Extensions.TransportSockets.InternalUpstream.V3;
using Envoy.Extensions.TransportSockets.RawBuffer.V3;
using Envoy.Extensions.Upstreams.Http.V3;
using Envoy.Type.Metadata.V3;
using Envoy.Type.V3;
using Google.Protobuf.WellKnownTypes;
using Waypoint.GatewayApi.Model;
using HttpProtocolOptions = Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions;

namespace Waypoint.GatewayApi.Translation;

/// <summary>A service port as a cluster.</summary>
internal static class ClusterTranslation
{
    private const string HttpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan EncapIdleTimeout = TimeSpan.FromMinutes(5);

    private static readonly TransportSocket RawBuffer = ProtoValues.Socket("raw_buffer", new RawBuffer());

    // HBONE endpoints are reached through a listener inside the proxy; the endpoint's metadata tells it where to.
    private static readonly TransportSocket InboundSocket = ProtoValues.Socket("internal_upstream", new InternalUpstreamTransport
    {
        PassthroughMetadata = { HostMetadata("envoy.filters.listener.original_dst"), HostMetadata("istio") },
        TransportSocket = RawBuffer,
    });

    /// <summary>A port of a service behind this waypoint, for its HTTP or for its other traffic.</summary>
    public static Cluster Inbound(Service service, ServicePort port, bool http, string hostname) =>
        Translate(service, port, ResourceNames.Inbound(port.Port, http, hostname), hostname, http ? "http" : "tcp");

    /// <summary>A port of a service that a route leads to and that is not behind this waypoint.</summary>
    public static Cluster Outbound(Service service, ServicePort port, string hostname) =>
        Translate(service, port, ResourceNames.Outbound(port.Port, hostname), hostname, null);

    /// <summary>Where traffic to a workload's own address goes on to: that address, whatever it is.</summary>
    public static Cluster Encap()
    {
        Cluster cluster = new()
        {
            Name = ResourceNames.Encap,
            AltStatName = ResourceNames.Encap + ";",
            Type = Cluster.Types.DiscoveryType.Static,
            CircuitBreakers = Unlimited(),
            TransportSocket = ProtoValues.Socket("internal_upstream", new InternalUpstreamTransport { TransportSocket = RawBuffer }),
            LoadAssignment = new ClusterLoadAssignment
            {
                ClusterName = ResourceNames.Encap,
                Endpoints =
                {
                    new LocalityLbEndpoints
                    {
                        LbEndpoints =
                        {
                            new LbEndpoint
                            {
                                Endpoint = new Endpoint
                                {
                                    Address = new Address
                                    {
                                        EnvoyInternalAddress = new EnvoyInternalAddress { ServerListenerName = ResourceNames.ConnectOriginate },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        };
        HttpProtocolOptions options = UseDownstreamProtocol();
        options.CommonHttpProtocolOptions = new Envoy.Config.Core.V3.HttpProtocolOptions { IdleTimeout = EncapIdleTimeout.ToDuration() };
        cluster.TypedExtensionProtocolOptions[HttpOptions] = ProtoValues.Pack(options);
        return cluster;
    }

    private static Cluster Translate(Service service, ServicePort port, string name, string hostname, string? subset)
    {
        Struct istio = new()
        {
            Fields =
            {
                ["services"] = Value.ForList(Value.ForStruct(new Struct
                {
                    Fields =
                    {
                        ["host"] = Value.ForString(hostname),
                        ["name"] = Value.ForString(service.Name),
                        ["namespace"] = Value.ForString(service.Namespace),
                    },
                })),
            },
        };
        if (subset is not null)
        {
            istio.Fields["subset"] = Value.ForString(subset);
        }

        Cluster cluster = new()
        {
            Name = name,
            AltStatName = name + ";",
            Type = Cluster.Types.DiscoveryType.Eds,
            EdsClusterConfig = new Cluster.Types.EdsClusterConfig
            {
                ServiceName = name,
                EdsConfig = new ConfigSource
                {
                    Ads = new AggregatedConfigSource(),
                    InitialFetchTimeout = ProtoValues.Zero,
                    ResourceApiVersion = ApiVersion.V3,
                },
            },
            ConnectTimeout = ConnectTimeout.ToDuration(),
            LbPolicy = Cluster.Types.LbPolicy.LeastRequest,
            CircuitBreakers = Unlimited(),
            // Zero: endpoints that are not ready are never used because the others are not either.
            CommonLbConfig = new Cluster.Types.CommonLbConfig { HealthyPanicThreshold = new Envoy.Type.V3.Percent() },
            TransportSocket = InboundSocket,
            Metadata = new Metadata { FilterMetadata = { ["istio"] = istio } },
        };
        if (service.TrafficDistribution is "PreferClose" or "PreferSameZone" or "PreferSameNode")
        {
            cluster.CommonLbConfig.LocalityWeightedLbConfig = new Cluster.Types.CommonLbConfig.Types.LocalityWeightedLbConfig();
        }

        PortProtocol protocol = PortProtocols.Of(port);
        if (protocol.IsHttp2())
        {
            cluster.TypedExtensionProtocolOptions[HttpOptions] = ProtoValues.Pack(new HttpProtocolOptions
            {
                ExplicitHttpConfig = new HttpProtocolOptions.Types.ExplicitHttpConfig { Http2ProtocolOptions = new Http2ProtocolOptions() },
            });
        }
        else if (protocol == PortProtocol.Unknown)
        {
            cluster.TypedExtensionProtocolOptions[HttpOptions] = ProtoValues.Pack(UseDownstreamProtocol());
        }

        return cluster;
    }

    /// <summary>The server is spoken to as the client speaks: nothing else is known about the port.</summary>
    private static HttpProtocolOptions UseDownstreamProtocol() => new()
    {
        UseDownstreamProtocolConfig = new HttpProtocolOptions.Types.UseDownstreamHttpConfig
        {
            HttpProtocolOptions = new Http1ProtocolOptions(),
            Http2ProtocolOptions = new Http2ProtocolOptions(),
        },
    };

    // Envoy's own default is 1,024 of each, which istiod lifts; limits are set by policy, not by accident. Retries have a budget (Envoy's
    // default one), where istiod has none: when much fails, retrying all of it multiplies the load on what is left.
    private static CircuitBreakers Unlimited() => new()
    {
        Thresholds =
        {
            new CircuitBreakers.Types.Thresholds
            {
                MaxConnections = uint.MaxValue, MaxPendingRequests = uint.MaxValue, MaxRequests = uint.MaxValue, MaxRetries = uint.MaxValue,
                RetryBudget = new CircuitBreakers.Types.Thresholds.Types.RetryBudget { BudgetPercent = new Percent { Value = 20 }, MinRetryConcurrency = 3 },
            },
        },
    };

    private static InternalUpstreamTransport.Types.MetadataValueSource HostMetadata(string name) => new()
    {
        Name = name,
        Kind = new MetadataKind { Host = new MetadataKind.Types.Host() },
    };
}
