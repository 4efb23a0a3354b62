using System.Collections.Immutable;
using System.Net;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.LoadBalancing.Dns;
using Waypoint.Proxy.Tls;
using CircuitBreakers = Waypoint.Proxy.LoadBalancing.CircuitBreakers;
using Cluster = Waypoint.Proxy.LoadBalancing.Cluster;
using Wire = Envoy.Config.Cluster.V3;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>A cluster as CDS describes it: everything but the endpoints that EDS gives.</summary>
/// <param name="Name">Its name.</param>
/// <param name="EndpointsName">What to ask EDS for; null when the endpoints are <paramref name="Inline"/> or there are none.</param>
/// <param name="Inline">The endpoints that came with it.</param>
/// <param name="Named">Endpoints that are to be resolved before they can be used; null when all are known by address.</param>
/// <param name="Secrets">What the control plane is to be asked for by name.</param>
/// <param name="With">Makes the cluster with these endpoints.</param>
internal sealed record ClusterTemplate(
    string Name,
    string? EndpointsName,
    EndpointAssignment? Inline,
    NamedEndpoints? Named,
    IReadOnlyList<string> Secrets,
    Func<EndpointAssignment, Cluster> With);

/// <summary>Clusters, from CDS.</summary>
internal sealed class ClusterTranslator(EndpointTranslator endpoints, SecretStore secrets, HealthClock clock)
{
    private readonly TransportTranslator _transports = new(secrets);

    // Envoy's own plumbing between its listeners; the proxy has no use for it.
    private static readonly HashSet<string> Plumbing =
        ["main_internal", "connect_originate", "inner_connect_originate", "outer_connect_originate", "forward_inner_connect"];

    private const string HttpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    private static readonly TimeSpan DefaultConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DefaultIdleTimeout = TimeSpan.FromHours(1);

    /// <summary>Null for a cluster that is not traffic's.</summary>
    public ClusterTemplate? Translate(Wire.Cluster cluster, TranslationScope scope)
    {
        if (Plumbing.Contains(cluster.Name))
        {
            return null;
        }

        var type = cluster.ClusterDiscoveryTypeCase == Wire.Cluster.ClusterDiscoveryTypeOneofCase.ClusterType
            ? (Wire.Cluster.Types.DiscoveryType?)null
            : cluster.Type;
        var options = Options(cluster, scope);
        var transport = _transports.Translate(cluster, options?.UpstreamHttpProtocolOptions, scope);
        var unusable = transport.Unusable;
        var isBareTunnel = false;
        var originalDestination = type == Wire.Cluster.Types.DiscoveryType.OriginalDst;
        string? endpointsName = null;
        EndpointAssignment? inline = null;
        NamedEndpoints? named = null;
        switch (type)
        {
            case null:
                unusable ??= Refuse($"cluster_type {cluster.ClusterType.Name}", scope);
                inline = EndpointAssignment.Empty;
                break;
            case Wire.Cluster.Types.DiscoveryType.Eds:
                endpointsName = cluster.EdsClusterConfig?.ServiceName is { Length: > 0 } name ? name : cluster.Name;
                break;
            case Wire.Cluster.Types.DiscoveryType.Static when cluster.LoadAssignment is { } assignment:
                originalDestination = isBareTunnel = EndpointTranslator.IsBareTunnel(assignment);
                inline = originalDestination ? EndpointAssignment.Empty : endpoints.Translate(assignment, scope);
                break;
            case Wire.Cluster.Types.DiscoveryType.StrictDns:
            case Wire.Cluster.Types.DiscoveryType.LogicalDns:
                named = new NamedEndpoints(cluster.LoadAssignment ?? new(), Dns(cluster, scope));

                // So that what is wrong beyond the names is refused now, not when they are resolved.
                inline = endpoints.Translate(named.With(ImmutableDictionary<string, ImmutableArray<IPAddress>>.Empty), scope);
                break;
            case Wire.Cluster.Types.DiscoveryType.OriginalDst:
            default:
                inline = EndpointAssignment.Empty;
                break;
        }

        foreach (var filter in cluster.Filters)
        {
            // Peers tell each other who they are by istiod's metadata exchange; WDS says the same.
            scope.UnsupportedIf(filter.TypedConfig?.TypeName() != "envoy.tcp.metadataexchange.config.MetadataExchange", $"filters: {filter.Name}");
        }

        var balancing = BalancingTranslator.Translate(cluster, scope);
        var http = Http(cluster, options, scope);
        var breakers = Breakers(cluster.CircuitBreakers);
        var outliers = OutlierTranslator.Translate(cluster.OutlierDetection, scope);
        var connectTimeout = cluster.ConnectTimeout.ToTime(DefaultConnectTimeout, scope, "connect_timeout");
        var service = Service(cluster.Metadata);
        var weighted = cluster.CommonLbConfig?.LocalityWeightedLbConfig is not null;
        var panic = cluster.CommonLbConfig?.HealthyPanicThreshold?.Value ?? 50;

        var clusterName = cluster.Name;
        var observabilityName = cluster.AltStatName is { Length: > 0 } alternative ? alternative : cluster.Name;

        // The template lives as long as the cluster; the message need not.
        return new ClusterTemplate(clusterName, endpointsName, inline, named, transport.Tls?.SecretNames ?? [], assignment => new Cluster
        {
            Name = clusterName,
            ObservabilityName = observabilityName,
            Endpoints = transport.LeavesSidecarsOut ? [.. assignment.Endpoints.Where(endpoint => !endpoint.WantsSidecarTls)] : assignment.Endpoints,
            LeavesSidecarsOut = transport.LeavesSidecarsOut && assignment.Endpoints.Any(endpoint => endpoint.WantsSidecarTls),
            Balancing = balancing,
            Protocol = http.Protocol,
            Tls = transport.Tls,
            ConnectTimeout = connectTimeout,
            IdleTimeout = http.IdleTimeout,
            MaxConnectionDuration = http.MaxDuration,
            MaxRequestsPerConnection = http.MaxRequests,
            CircuitBreakers = breakers,
            Outliers = outliers,
            PanicThreshold = panic,
            OverprovisioningFactor = assignment.OverprovisioningFactor,
            LocalityWeights = weighted ? assignment.LocalityWeights : null,
            IsOriginalDestination = originalDestination,
            TunnelsToOriginalDestination = isBareTunnel,
            Unusable = unusable,
            Service = service,
            Clock = clock,
        });
    }

    private static DnsSettings Dns(Wire.Cluster cluster, TranslationScope scope)
    {
        // Envoy's defaults.
        var refresh = cluster.DnsRefreshRate.ToTime(TimeSpan.FromSeconds(5), scope, "dns_refresh_rate");
        var retry = cluster.DnsFailureRefreshRate?.BaseInterval.ToTime(refresh, scope, "dns_failure_refresh_rate.base_interval") ?? refresh;
        var longest = cluster.DnsFailureRefreshRate?.MaxInterval.ToTime(retry * 10, scope, "dns_failure_refresh_rate.max_interval") ?? refresh;
        if (refresh < TimeSpan.FromMilliseconds(1) || retry < TimeSpan.FromMilliseconds(1))
        {
            throw scope.Invalid("dns_refresh_rate", "less than a millisecond");
        }

        return new DnsSettings(
            cluster.DnsLookupFamily switch
            {
                Wire.Cluster.Types.DnsLookupFamily.V4Only => DnsFamily.V4Only,
                Wire.Cluster.Types.DnsLookupFamily.V6Only => DnsFamily.V6Only,
                Wire.Cluster.Types.DnsLookupFamily.V4Preferred => DnsFamily.V4Preferred,
                Wire.Cluster.Types.DnsLookupFamily.All => DnsFamily.All,
                _ => DnsFamily.V6Preferred,
            },
            refresh,
            retry,
            longest,
            cluster.DnsJitter.ToTime(TimeSpan.Zero, scope, "dns_jitter"),
            OnlyFirst: cluster.Type == Wire.Cluster.Types.DiscoveryType.LogicalDns);
    }

    private static string Refuse(string feature, TranslationScope scope)
    {
        scope.Unsupported(feature);
        return $"{feature}: not supported";
    }

    private static Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions? Options(Wire.Cluster cluster, TranslationScope scope) =>
        cluster.TypedExtensionProtocolOptions.TryGetValue(HttpOptions, out var config)
            ? config.Open<Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions>(scope, "typed_extension_protocol_options")
            : null;

    private static (UpstreamProtocol Protocol, TimeSpan IdleTimeout, TimeSpan MaxDuration, uint MaxRequests) Http(
        Wire.Cluster cluster, Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions? options, TranslationScope scope)
    {
        scope.UnsupportedIf(options?.AutoConfig is not null, "auto_config (HTTP/1.1 is used)");
        var common = options?.CommonHttpProtocolOptions ?? cluster.CommonHttpProtocolOptions;
        var protocol = options switch
        {
            null => cluster.Http2ProtocolOptions is not null ? UpstreamProtocol.Http2 : UpstreamProtocol.Http1,
            { UseDownstreamProtocolConfig: not null } => UpstreamProtocol.FollowDownstream,
            { ExplicitHttpConfig.Http2ProtocolOptions: not null } => UpstreamProtocol.Http2,
            _ => UpstreamProtocol.Http1,
        };
        var requests = common?.MaxRequestsPerConnection ?? cluster.MaxRequestsPerConnection ?? 0;
        scope.UnsupportedIf(requests > 1 || (requests == 1 && protocol == UpstreamProtocol.Http2), "max_requests_per_connection other than 1");
        return (
            protocol,
            common?.IdleTimeout.ToTime(DefaultIdleTimeout, scope, "idle_timeout") ?? DefaultIdleTimeout,
            common?.MaxConnectionDuration.ToTime(TimeSpan.Zero, scope, "max_connection_duration") ?? TimeSpan.Zero,
            requests);
    }

    private static CircuitBreakers Breakers(Wire.CircuitBreakers? breakers)
    {
        var limits = new CircuitBreakers();
        var sent = breakers?.Thresholds.FirstOrDefault(t => t.Priority == RoutingPriority.Default);
        return sent is null ? limits : new CircuitBreakers
        {
            MaxConnections = sent.MaxConnections ?? limits.MaxConnections,
            MaxPendingRequests = sent.MaxPendingRequests ?? limits.MaxPendingRequests,
            MaxRequests = sent.MaxRequests ?? limits.MaxRequests,
            MaxRetries = sent.MaxRetries ?? limits.MaxRetries,
            RetryBudget = sent.RetryBudget is { } budget
                ? new RetryBudget(budget.BudgetPercent?.Value ?? 20, budget.MinRetryConcurrency ?? 3)
                : null,
        };
    }

    private static ServiceIdentity? Service(Metadata? metadata)
    {
        if (metadata is null
            || !metadata.FilterMetadata.TryGetValue("istio", out var istio)
            || !istio.Fields.TryGetValue("services", out var services)
            || services.ListValue?.Values is not [{ StructValue: { } service }, ..])
        {
            return null;
        }

        return new ServiceIdentity(Text(service, "host"), Text(service, "name"), Text(service, "namespace"));
    }

    private static string Text(Struct fields, string name) =>
        fields.Fields.TryGetValue(name, out var value) ? value.StringValue : "";
}
