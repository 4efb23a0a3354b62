using System.Collections.Immutable;
using Envoy.Config.Route.V3;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.Filters.LocalRateLimit;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Xds.Translation.Filters;
using Waypoint.Proxy.Xds.Translation.Filters.LocalRateLimit;
using Route = Waypoint.Proxy.Routing.Route;
using VirtualHost = Waypoint.Proxy.Routing.VirtualHost;
using Wire = Envoy.Config.Route.V3;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>Route configurations, inline or from RDS.</summary>
internal sealed class RouteTranslator(Func<string, ClusterSlot> cluster, FilterCatalogue filters)
{
    private readonly RouteActionTranslator _actions = new(cluster);

    public RouteTable Translate(RouteConfiguration configuration, TranslationScope scope)
    {
        using var part = scope.Enter($"route configuration '{configuration.Name}'");
        scope.UnsupportedIf(configuration.IgnorePortInHostMatching, "ignore_port_in_host_matching");
        scope.UnsupportedIf(configuration.IgnorePathParametersInPathMatching, "ignore_path_parameters_in_path_matching");
        scope.UnsupportedIf(configuration.MostSpecificHeaderMutationsWins, "most_specific_header_mutations_wins");
        var settings = filters.Route(configuration.TypedPerFilterConfig, cluster, scope);
        var request = HeaderTranslator.Translate(
            configuration.RequestHeadersToRemove, configuration.RequestHeadersToAdd, scope, "request_headers_to_add");
        var response = HeaderTranslator.Translate(
            configuration.ResponseHeadersToRemove, configuration.ResponseHeadersToAdd, scope, "response_headers_to_add");
        VirtualHost[] hosts = [.. configuration.VirtualHosts.Select(host => Host(host, configuration.RequestMirrorPolicies, request, response, settings, scope))];
        try
        {
            return new RouteTable(hosts);
        }
        catch (ArgumentException e)
        {
            throw scope.Invalid("virtual_hosts", e.Message, e);
        }
    }

    private VirtualHost Host(
        Wire.VirtualHost host,
        IReadOnlyList<Wire.RouteAction.Types.RequestMirrorPolicy> tableMirrors,
        HeaderMutations request,
        HeaderMutations response,
        RouteFilterSettings settings,
        TranslationScope scope)
    {
        using var part = scope.Enter($"virtual host '{host.Name}'");
        if (host.Domains.Count == 0)
        {
            throw scope.Invalid("domains", "empty");
        }

        scope.UnsupportedIf(host.RequireTls != Wire.VirtualHost.Types.TlsRequirementType.None, "require_tls");
        scope.UnsupportedIf(host.Cors is not null, "cors");
        IReadOnlyList<Wire.RouteAction.Types.RequestMirrorPolicy> mirrors = host.RequestMirrorPolicies.Count > 0 ? host.RequestMirrorPolicies : tableMirrors;
        settings = filters.Route(host.TypedPerFilterConfig, cluster, scope).Over(settings);
        request = HeaderTranslator.Translate(host.RequestHeadersToRemove, host.RequestHeadersToAdd, scope, "request_headers_to_add").Then(request);
        response = HeaderTranslator.Translate(host.ResponseHeadersToRemove, host.ResponseHeadersToAdd, scope, "response_headers_to_add").Then(response);
        var rateLimits = RateLimitRuleTranslator.Translate(host.RateLimits, scope);
        var routes = new List<Route>(host.Routes.Count);
        foreach (var route in host.Routes)
        {
            routes.Add(Route(route, routes.Count, host.RetryPolicy, mirrors, request, response, settings, rateLimits, scope));
        }

        return new VirtualHost(host.Name, [.. host.Domains], routes);
    }

    private Route Route(
        Wire.Route route,
        int index,
        Wire.RetryPolicy? hostRetries,
        IReadOnlyList<Wire.RouteAction.Types.RequestMirrorPolicy> hostMirrors,
        HeaderMutations request,
        HeaderMutations response,
        RouteFilterSettings settings,
        ImmutableArray<RateLimitRule> hostRateLimits,
        TranslationScope scope)
    {
        using var part = scope.Enter(route.Name.Length > 0 ? $"route '{route.Name}'" : $"route {index}");
        if (route.Match is null)
        {
            throw scope.Invalid("match", "missing");
        }

        return new Route(
            route.Name,
            RouteMatchTranslator.Translate(route.Match, scope),
            _actions.Translate(route, hostRetries, hostMirrors, scope),
            HeaderTranslator.Translate(route.RequestHeadersToRemove, route.RequestHeadersToAdd, scope, "request_headers_to_add").Then(request),
            HeaderTranslator.Translate(route.ResponseHeadersToRemove, route.ResponseHeadersToAdd, scope, "response_headers_to_add").Then(response))
        {
            Operation = route.Decorator?.Operation ?? "",
            FilterSettings = filters.Route(route.TypedPerFilterConfig, cluster, scope).Over(settings),
            RateLimits = RateLimits(route, hostRateLimits, scope),
        };
    }

    private static RouteRateLimits RateLimits(Wire.Route route, ImmutableArray<RateLimitRule> host, TranslationScope scope)
    {
        var own = RateLimitRuleTranslator.Translate(route.Route_?.RateLimits ?? [], scope);
        return own.IsEmpty && host.IsEmpty ? RouteRateLimits.None : new RouteRateLimits(own, host, route.Route_?.IncludeVhRateLimits ?? false);
    }
}
