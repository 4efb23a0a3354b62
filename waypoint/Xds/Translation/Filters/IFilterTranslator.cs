using Google.Protobuf.WellKnownTypes;
using Waypoint.Proxy.Filters;
using Waypoint.Proxy.LoadBalancing;

namespace Waypoint.Proxy.Xds.Translation.Filters;

/// <summary>What the translation of a filter works with.</summary>
/// <param name="Name">The filter's name in its chain; routes speak of it by this name.</param>
/// <param name="Config">Its configuration.</param>
/// <param name="Cluster">The place of a cluster by its name, whether it was sent yet or not.</param>
/// <param name="Scope">Where errors and findings go.</param>
internal readonly record struct FilterSource(string Name, Any Config, Func<string, ClusterSlot> Cluster, TranslationScope Scope);

/// <summary>Makes an HTTP filter of its configuration.</summary>
internal interface IHttpFilterTranslator
{
    /// <summary>Full name of the message that configures it, such as <c>envoy.extensions.filters.http.rbac.v3.RBAC</c>.</summary>
    string Type { get; }

    /// <summary>Full name of the message that configures it at a route; null when routes have nothing to say of it.</summary>
    string? RouteType => null;

    /// <returns>Null when the configuration asks for nothing.</returns>
    /// <exception cref="ResourceException">It cannot be used.</exception>
    IHttpFilter? Translate(FilterSource source);

    /// <returns>What the filter finds in <see cref="RouteFilterSettings"/>.</returns>
    /// <exception cref="ResourceException">It cannot be used.</exception>
    object TranslateRoute(FilterSource source) => throw new NotSupportedException(source.Config.TypeUrl);
}

/// <summary>Makes a network filter of its configuration.</summary>
internal interface INetworkFilterTranslator
{
    /// <summary>Full name of the message that configures it, such as <c>envoy.extensions.filters.network.rbac.v3.RBAC</c>.</summary>
    string Type { get; }

    /// <returns>Null when the configuration asks for nothing.</returns>
    /// <exception cref="ResourceException">It cannot be used.</exception>
    INetworkFilter? Translate(FilterSource source);
}
