using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Xds.Translation.Filters;

/// <summary>
/// The filters that istiod puts into a waypoint's chains, by the type of their configuration: each has a translator, or nothing to do here,
/// or is reported as missing. One that decides who may pass and has no translator lets nobody pass.
/// </summary>
internal sealed class FilterCatalogue(IEnumerable<IHttpFilterTranslator> http, IEnumerable<INetworkFilterTranslator> network)
{
    private readonly Dictionary<string, IHttpFilterTranslator> _http = http.ToDictionary(t => t.Type, StringComparer.Ordinal);
    private readonly Dictionary<string, INetworkFilterTranslator> _network = network.ToDictionary(t => t.Type, StringComparer.Ordinal);
    private readonly Dictionary<string, IHttpFilterTranslator> _routes =
        http.Where(t => t.RouteType is not null).ToDictionary(t => t.RouteType!, StringComparer.Ordinal);

    /// <returns>What requests are to pass through; null when there is nothing to do.</returns>
    /// <exception cref="ResourceException">The configuration cannot be used.</exception>
    public IHttpFilter? Http(string name, Any? config, Func<string, ClusterSlot> cluster, TranslationScope scope)
    {
        using var part = scope.Enter($"filter '{name}'");
        return config is not null && _http.TryGetValue(config.TypeName(), out var translator)
            ? translator.Translate(new FilterSource(name, config, cluster, scope))
            : WithoutTranslator(name, config, scope);
    }

    /// <returns>What connections are to pass through; null when there is nothing to do.</returns>
    /// <exception cref="ResourceException">The configuration cannot be used.</exception>
    public INetworkFilter? Network(string name, Any? config, Func<string, ClusterSlot> cluster, TranslationScope scope)
    {
        using var part = scope.Enter($"filter '{name}'");
        return config is not null && _network.TryGetValue(config.TypeName(), out var translator)
            ? translator.Translate(new FilterSource(name, config, cluster, scope))
            : WithoutTranslator(name, config, scope);
    }

    /// <summary>What a route, a virtual host or a route configuration says of filters.</summary>
    /// <exception cref="ResourceException">It cannot be used.</exception>
    public RouteFilterSettings Route(IEnumerable<KeyValuePair<string, Any>> configs, Func<string, ClusterSlot> cluster, TranslationScope scope)
    {
        var settings = new List<KeyValuePair<string, object>>();
        foreach (var (name, config) in configs)
        {
            using var part = scope.Enter($"filter '{name}'");
            if (_routes.TryGetValue(config.TypeName(), out var translator))
            {
                settings.Add(new(name, translator.TranslateRoute(new FilterSource(name, config, cluster, scope))));
            }
            else
            {
                scope.Unsupported(name);
            }
        }

        return settings.Count == 0 ? RouteFilterSettings.None : new RouteFilterSettings(settings);
    }

    private static RefuseEverything? WithoutTranslator(string name, Any? config, TranslationScope scope)
    {
        switch (config?.TypeName())
        {
            // The end of the chain; peer metadata, filter state and statistics, which telemetry takes from WDS.
            case "envoy.extensions.filters.http.router.v3.Router":
            case "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig":
            case "envoy.extensions.filters.http.set_filter_state.v3.Config":
            case "envoy.extensions.filters.network.set_filter_state.v3.Config":
            case "envoy.tcp.metadataexchange.config.MetadataExchange":
            case "io.istio.http.peer_metadata.Config":
            case "stats.PluginConfig":
                return null;

            case "envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth":
            case "envoy.extensions.filters.http.basic_auth.v3.BasicAuth":
            case "envoy.extensions.filters.http.csrf.v3.CsrfPolicy":
            case "envoy.extensions.filters.http.oauth2.v3.OAuth2":
                scope.Unsupported($"{name} (everything is refused)");
                return RefuseEverything.Instance;

            default:
                scope.Unsupported(name);
                return null;
        }
    }
}
