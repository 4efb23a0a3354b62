using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Xds.Translation.Filters;
using EscapedSlashesAction = Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Types.PathWithEscapedSlashesAction;
using WeightedCluster = Waypoint.Proxy.Mesh.WeightedCluster;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>A filter chain as LDS describes it: everything but the routes that RDS gives.</summary>
/// <param name="Tcp">The chain, when it is one for bytes.</param>
/// <param name="Http">Makes the chain with these routes, when it is one for HTTP.</param>
/// <param name="Inline">The routes that came with it.</param>
/// <param name="RoutesName">What to ask RDS for; null when the routes are <paramref name="Inline"/>.</param>
/// <param name="Unsupported">What it asks for in vain.</param>
/// <param name="Extensions">Filters to ask ECDS for.</param>
internal sealed record ChainTemplate(
    TcpChain? Tcp,
    Func<RouteTable, HttpChain>? Http,
    RouteTable? Inline,
    string? RoutesName,
    IReadOnlyList<UnsupportedFeature> Unsupported,
    IReadOnlyList<string> Extensions);

/// <summary>Filter chains: an HTTP connection manager or a TCP proxy behind filters.</summary>
internal sealed class FilterChainTranslator(Func<string, ClusterSlot> cluster, FilterCatalogue filters, WorkloadDirectory workloads)
{
    private static readonly TimeSpan DefaultStreamIdleTimeout = TimeSpan.FromMinutes(5);

    private readonly RouteTranslator _routes = new(cluster, filters);

    public ChainTemplate Translate(FilterChain chain, string listener)
    {
        var scope = new TranslationScope($"Listener '{listener}'");
        using var part = scope.Enter($"filter chain '{chain.Name}'");
        var connectionFilters = new List<INetworkFilter>();
        scope.UnsupportedIf(chain.TransportSocket is not null, "transport_socket");
        for (var i = 0; i < chain.Filters.Count; i++)
        {
            var filter = chain.Filters[i];
            if (filter.TypedConfig is { } manager && manager.Is(HttpConnectionManager.Descriptor))
            {
                return Http(chain.Name, manager.Open<HttpConnectionManager>(scope, $"filters[{i}]"), connectionFilters, scope);
            }

            if (filter.TypedConfig is { } proxy && proxy.Is(TcpProxy.Descriptor))
            {
                return Tcp(chain, proxy.Open<TcpProxy>(scope, $"filters[{i}]"), connectionFilters, scope);
            }

            if (filters.Network(filter, cluster, scope) is { } connectionFilter)
            {
                connectionFilters.Add(connectionFilter);
            }
        }

        throw scope.Invalid("filters", "neither an HTTP connection manager nor a TCP proxy");
    }

    private ChainTemplate Http(string name, HttpConnectionManager manager, List<INetworkFilter> connectionFilters, TranslationScope scope)
    {
        using var part = scope.Enter("http_connection_manager");
        var requestFilters = new List<IHttpFilter>();
        if (connectionFilters.Count > 0)
        {
            // istiod sends none: access to an HTTP chain is decided for each request.
            scope.Unsupported("network filters before an HTTP connection manager (everything is refused)");
            requestFilters.Add(RefuseEverything.Instance);
        }

        foreach (var filter in manager.HttpFilters)
        {
            if (filters.Http(filter, cluster, scope) is { } requestFilter)
            {
                requestFilters.Add(requestFilter);
            }
        }

        scope.UnsupportedIf(manager.StripMatchingHostPort || manager.StripAnyHostPort, "strip_port_mode");
        scope.UnsupportedIf(manager.StripTrailingHostDot, "strip_trailing_host_dot");
        var escapedSlashes = manager.PathWithEscapedSlashesAction;
        scope.UnsupportedIf(escapedSlashes == EscapedSlashesAction.UnescapeAndRedirect, "path_with_escaped_slashes_action: redirect (refused instead)");
        scope.UnsupportedIf(manager.UseRemoteAddress is true, "use_remote_address (x-forwarded-for is not appended)");
        var accessLogs = AccessLogTranslator.Translate(manager.AccessLog, scope);
        var tracing = TracingTranslator.Translate(manager.Tracing, cluster, scope);
        var stats = StatsTranslator.Find(manager.HttpFilters.Where(filter => !filter.Disabled).Select(filter => (filter.Name, (Any?)filter.TypedConfig)), scope);

        var routes = manager.RouteSpecifierCase switch
        {
            HttpConnectionManager.RouteSpecifierOneofCase.RouteConfig => _routes.Translate(manager.RouteConfig, scope),
            HttpConnectionManager.RouteSpecifierOneofCase.Rds when manager.Rds.RouteConfigName.Length > 0 => null,
            _ => throw scope.Invalid("route_specifier", "missing"),
        };
        var serverName = manager.ServerHeaderTransformation == HttpConnectionManager.Types.ServerHeaderTransformation.PassThrough
            ? null
            : manager.ServerName is { Length: > 0 } configured ? configured : "envoy";
        var streamIdleTimeout = manager.StreamIdleTimeout.ToTime(DefaultStreamIdleTimeout, scope, "stream_idle_timeout");
        var upgrades = manager.UpgradeConfigs
            .Where(upgrade => upgrade.Enabled is not false)
            .Select(upgrade => upgrade.UpgradeType)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        var pathForm = FormOf(manager);
        var rejectsEscapedSlashes = escapedSlashes is EscapedSlashesAction.RejectRequest or EscapedSlashesAction.UnescapeAndRedirect;
        var forwardsClientCertificate = manager.ForwardClientCertDetails == HttpConnectionManager.Types.ForwardClientCertDetails.AlwaysForwardOnly;

        // With use_remote_address the connection's own address is the last of the list that hops are counted in.
        var trustedHops = (int)Math.Min(manager.XffNumTrustedHops, int.MaxValue) - (manager.UseRemoteAddress is true ? 1 : 0);
        var unsupported = scope.UnsupportedFeatures;

        // The template lives as long as the chain, and what it captures with it: the message, 15 kB, is not for that.
        return new ChainTemplate(
            Tcp: null,
            Http: table => new HttpChain
            {
                Name = name,
                Routes = table,
                Workloads = workloads,
                Filters = [.. requestFilters],
                ServerName = serverName,
                StreamIdleTimeout = streamIdleTimeout,
                PathForm = pathForm,
                RejectsEscapedSlashes = rejectsEscapedSlashes,
                ForwardsClientCertificate = forwardsClientCertificate,
                TrustedHops = trustedHops,
                AccessLogs = accessLogs,
                Stats = stats,
                Tracing = tracing,
                Upgrades = upgrades,
                Unsupported = [.. unsupported.Select(u => u.Feature).Distinct()],
            },
            Inline: routes,
            RoutesName: routes is null ? manager.Rds.RouteConfigName : null,
            unsupported,
            [.. manager.HttpFilters.Where(filter => filter is { Disabled: false, ConfigDiscovery: not null }).Select(filter => filter.Name)]);
    }

    private static PathForm FormOf(HttpConnectionManager manager) =>
        (manager.NormalizePath is true ? PathForm.Normal : PathForm.AsReceived)
        | (manager.MergeSlashes ? PathForm.MergedSlashes : PathForm.AsReceived)
        | (manager.PathWithEscapedSlashesAction == EscapedSlashesAction.UnescapeAndForward ? PathForm.UnescapedSlashes : PathForm.AsReceived);

    private ChainTemplate Tcp(FilterChain source, TcpProxy proxy, List<INetworkFilter> connectionFilters, TranslationScope scope)
    {
        using var part = scope.Enter("tcp_proxy");
        scope.UnsupportedIf(proxy.TunnelingConfig is not null, "tunneling_config");
        scope.UnsupportedIf(proxy.HashPolicy.Any(policy => policy.SourceIp is null), "hash_policy");
        IEnumerable<(string Name, uint Weight)> shares = proxy.ClusterSpecifierCase switch
        {
            TcpProxy.ClusterSpecifierOneofCase.Cluster => [(proxy.Cluster, 1)],
            TcpProxy.ClusterSpecifierOneofCase.WeightedClusters => proxy.WeightedClusters.Clusters.Select(c => (c.Name, c.Weight)),
            _ => throw scope.Invalid("cluster_specifier", "missing"),
        };
        var clusters = new WeightedClusters(
            shares.Select(share => new WeightedCluster(cluster(share.Name), share.Weight, HeaderMutations.None, HeaderMutations.None)));
        var chain = new TcpChain(source.Name, clusters)
        {
            Filters = [.. connectionFilters],
            Workloads = workloads,
            IdleTimeout = proxy.IdleTimeout is { } idle ? idle.ToTime(TimeSpan.Zero, scope, "idle_timeout") : null,
            MaxDuration = proxy.MaxDownstreamConnectionDuration.ToTime(TimeSpan.Zero, scope, "max_downstream_connection_duration"),
            ConnectAttempts = (int)Math.Clamp(proxy.MaxConnectAttempts ?? 3, 1, 100),
            HashesClient = proxy.HashPolicy.Any(policy => policy.SourceIp is not null),
            AccessLogs = AccessLogTranslator.Translate(proxy.AccessLog, scope),
            Stats = StatsTranslator.Find(source.Filters.Select(filter => (filter.Name, (Any?)filter.TypedConfig)), scope),
        };
        return new ChainTemplate(chain, Http: null, Inline: null, RoutesName: null, scope.UnsupportedFeatures, [.. source.Filters.Where(filter => filter.ConfigDiscovery is not null).Select(filter => filter.Name)]);
    }
}
