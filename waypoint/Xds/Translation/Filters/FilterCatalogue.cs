using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Xds.Translation.Filters;

/// <summary>
/// The filters that istiod puts into a waypoint's chains, by the type of their configuration: each has a translator, or nothing to do here,
/// or is reported as missing. One that has no translator and may decide who may pass lets nobody pass.
/// </summary>
internal sealed class FilterCatalogue(
    IEnumerable<IHttpFilterTranslator> http, IEnumerable<INetworkFilterTranslator> network, ExtensionStore extensions)
{
    private readonly Dictionary<string, IHttpFilterTranslator> _http = http.ToDictionary(t => t.Type, StringComparer.Ordinal);
    private readonly Dictionary<string, INetworkFilterTranslator> _network = network.ToDictionary(t => t.Type, StringComparer.Ordinal);
    private readonly Dictionary<string, IHttpFilterTranslator> _routes =
        http.Where(t => t.RouteType is not null).ToDictionary(t => t.RouteType!, StringComparer.Ordinal);

    /// <summary>What is known of filters that are to be discovered.</summary>
    public ExtensionStore Extensions => extensions;

    /// <returns>What requests are to pass through; null when there is nothing to do.</returns>
    /// <exception cref="ResourceException">The configuration cannot be used.</exception>
    public IHttpFilter? Http(HttpFilter filter, Func<string, ClusterSlot> cluster, TranslationScope scope)
    {
        using var part = scope.Enter($"filter '{filter.Name}'");
        if (filter.Disabled)
        {
            // Envoy has it in force for routes that say something of it.
            scope.UnsupportedIf(!FilterKinds.Done.IsSupersetOf(Types(filter.TypedConfig, filter.ConfigDiscovery)), $"{filter.Name} (disabled, for every route)");
            return null;
        }

        return filter.TypedConfig is { } config && _http.TryGetValue(config.TypeName(), out var translator)
            ? translator.Translate(new FilterSource(filter.Name, config, cluster, scope))
            : WithoutTranslator(filter.Name, filter.TypedConfig, filter.ConfigDiscovery, filter.IsOptional, scope);
    }

    /// <returns>What connections are to pass through; null when there is nothing to do.</returns>
    /// <exception cref="ResourceException">The configuration cannot be used.</exception>
    public INetworkFilter? Network(Filter filter, Func<string, ClusterSlot> cluster, TranslationScope scope)
    {
        using var part = scope.Enter($"filter '{filter.Name}'");
        return filter.TypedConfig is { } config && _network.TryGetValue(config.TypeName(), out var translator)
            ? translator.Translate(new FilterSource(filter.Name, config, cluster, scope))
            : WithoutTranslator(filter.Name, filter.TypedConfig, filter.ConfigDiscovery, isOptional: false, scope);
    }

    /// <summary>What a route, a virtual host or a route configuration says of filters.</summary>
    /// <exception cref="ResourceException">It cannot be used.</exception>
    public RouteFilterSettings Route(IEnumerable<KeyValuePair<string, Any>> configs, Func<string, ClusterSlot> cluster, TranslationScope scope)
    {
        var settings = new List<KeyValuePair<string, object>>();
        foreach (var (name, given) in configs)
        {
            using var part = scope.Enter($"filter '{name}'");
            var config = Unwrap(given, scope);
            if (config is not null && _routes.TryGetValue(config.TypeName(), out var translator))
            {
                settings.Add(new(name, translator.TranslateRoute(new FilterSource(name, config, cluster, scope))));
            }
            else if (config is not null)
            {
                scope.Unsupported(name);
            }
        }

        return settings.Count == 0 ? RouteFilterSettings.None : new RouteFilterSettings(settings);
    }

    /// <summary>What a <see cref="FilterConfig"/> holds, where one stands around the configuration.</summary>
    private static Any? Unwrap(Any given, TranslationScope scope)
    {
        if (!given.Is(FilterConfig.Descriptor))
        {
            return given;
        }

        var wrapper = given.Open<FilterConfig>(scope, "typed_per_filter_config");
        scope.UnsupportedIf(wrapper.Disabled, "typed_per_filter_config.disabled (the filter is in force)");
        return wrapper.Config;
    }

    // One that is to be discovered, as every WasmPlugin is, may become any of several types.
    private static string[] Types(Any? config, ExtensionConfigSource? discovery) =>
        config is not null ? [config.TypeName()] : [.. discovery?.TypeUrls.Select(url => url[(url.LastIndexOf('/') + 1)..]) ?? []];

    private RefuseEverything? WithoutTranslator(string name, Any? config, ExtensionConfigSource? discovery, bool isOptional, TranslationScope scope)
    {
        var types = Types(config, discovery);
        if (types.Length > 0 && FilterKinds.Done.IsSupersetOf(types))
        {
            return null;
        }

        // A client that does not know an optional filter is to go on without it; of any other Envoy would not take the listener.
        if (isOptional || (types.Length > 0 && types.All(type => FilterKinds.Done.Contains(type) || FilterKinds.Harmless.Contains(type))))
        {
            scope.Unsupported(name);
            return null;
        }

        if (discovery is not null)
        {
            scope.Unsupported($"{name} (everything is refused unless it may fail open)");
            return RefuseEverything.Unless(() => extensions.FailsOpen(name));
        }

        scope.Unsupported($"{name} (everything is refused)");
        return RefuseEverything.Instance;
    }
}
