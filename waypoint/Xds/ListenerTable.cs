using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Routing;
using Waypoint.Proxy.Xds.Translation;
using Waypoint.Proxy.Xds.Translation.Filters;

namespace Waypoint.Proxy.Xds;

/// <summary>
/// The filter chains and the matcher tree of istiod's <c>main_internal</c> listener, joined with the routes of RDS. That listener is
/// one resource, sent whole for each changed route: a chain whose bytes did not change is kept as it is. One thread at a time.
/// </summary>
internal sealed class ListenerTable(Func<string, ClusterSlot> cluster, FilterCatalogue filters, WorkloadDirectory workloads)
{
    /// <summary>The listener that holds a waypoint's services; the others are Envoy's ends of HBONE, which the proxy does itself.</summary>
    public const string MainListener = "main_internal";

    private readonly FilterChainTranslator _chainTranslator = new(cluster, filters, workloads);
    private readonly RouteTranslator _routeTranslator = new(cluster, filters);
    private readonly Dictionary<string, Routes> _routes = new(StringComparer.Ordinal);
    private Dictionary<string, Chain> _chains = new(StringComparer.Ordinal);
    private Listener? _listener;
    private IReadOnlyList<UnsupportedFeature> _unsupported = [];

    /// <summary>What RDS is to be asked for.</summary>
    public IReadOnlySet<string> WantedRoutes { get; private set; } = new HashSet<string>();

    /// <summary>What ECDS is to be asked for.</summary>
    public IEnumerable<string> WantedExtensions => _chains.Values.SelectMany(chain => chain.Template.Extensions).Distinct();

    public IEnumerable<UnsupportedFeature> Unsupported =>
        _unsupported
            .Concat(_chains.Values.SelectMany(chain => chain.Template.Unsupported))
            .Concat(_routes.Values.SelectMany(routes => routes.Unsupported));

    /// <summary>Names of the clusters that chains refer to.</summary>
    public IEnumerable<string> ReferencedClusters => _chains.Values.SelectMany(chain => chain.Clusters).Distinct();

    /// <summary>True while routes were asked for and have not come.</summary>
    public bool IsWaitingForRoutes => MissingRoutes.Any();

    private IEnumerable<string> MissingRoutes => WantedRoutes.Where(name => !_routes.ContainsKey(name));

    /// <returns>What connections are to find from now on; null when the listener is none of traffic's, or says what it said before.</returns>
    /// <exception cref="ResourceException">It cannot be used; the one before it stays.</exception>
    public DestinationTable? Apply(Listener listener)
    {
        if (listener.Name != MainListener || listener.Equals(_listener))
        {
            return null;
        }

        var scope = new TranslationScope($"Listener '{listener.Name}'");
        var chains = new Dictionary<string, Chain>(StringComparer.Ordinal);
        foreach (var chain in listener.FilterChains)
        {
            if (chain.Name.Length == 0 || !chains.TryAdd(chain.Name, ChainOf(chain)))
            {
                throw scope.Invalid("filter_chains", $"the name '{chain.Name}' is empty or occurs twice");
            }
        }

        var table = Destinations(listener, chains, scope);
        _listener = listener;
        _chains = chains;
        _unsupported = scope.UnsupportedFeatures;
        WantedRoutes = chains.Values.Select(chain => chain.Template.RoutesName).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var unwanted in _routes.Keys.Where(name => !WantedRoutes.Contains(name)))
        {
            _routes.Remove(unwanted);
        }

        return table;
    }

    /// <returns>What connections are to find from now on; null when the listener was none of traffic's.</returns>
    public DestinationTable? Remove(string listener)
    {
        if (listener != MainListener)
        {
            return null;
        }

        _listener = null;
        _chains = new(StringComparer.Ordinal);
        _unsupported = [];
        WantedRoutes = new HashSet<string>();
        return new DestinationTable([]);
    }

    /// <returns>What connections are to find from now on; null when no chain asked for these routes.</returns>
    /// <exception cref="ResourceException">They cannot be used; the ones before them stay.</exception>
    public DestinationTable? Apply(RouteConfiguration routes)
    {
        var scope = new TranslationScope("RouteConfiguration");
        var table = _routeTranslator.Translate(routes, scope);
        return Replace(routes.Name, new Routes(table, scope.UnsupportedFeatures));
    }

    public DestinationTable? RemoveRoutes(string name) => Replace(name, new Routes(RouteTable.Empty, []));

    /// <summary>Takes what has not come for empty.</summary>
    public void StopWaiting()
    {
        foreach (var name in MissingRoutes.ToArray())
        {
            _routes[name] = new Routes(RouteTable.Empty, []);
        }
    }

    private DestinationTable? Replace(string name, Routes routes)
    {
        if (_listener is null || !WantedRoutes.Contains(name))
        {
            return null;
        }

        _routes[name] = routes;
        foreach (var chain in _chains.Values.Where(chain => chain.Template.RoutesName == name).ToArray())
        {
            _chains[chain.Source.Name] = Assemble(chain.Source, chain.Template);
        }

        return Destinations(_listener, _chains, new TranslationScope($"Listener '{MainListener}'"));
    }

    private static DestinationTable Destinations(Listener listener, Dictionary<string, Chain> chains, TranslationScope scope)
    {
        if (listener.FilterChainMatcher is null)
        {
            throw scope.Invalid("filter_chain_matcher", "missing");
        }

        (HttpChain?, TcpChain?)? Find(string name) =>
            chains.TryGetValue(name, out var chain) ? (chain.Http, chain.Template.Tcp) : null;

        scope.UnsupportedIf(listener.DefaultFilterChain is not null, "default_filter_chain");
        return new DestinationTranslator(Find, scope).Translate(listener.FilterChainMatcher);
    }

    private Chain ChainOf(FilterChain source) =>
        _chains.TryGetValue(source.Name, out var known) && known.Source.Equals(source)
            ? known
            : Assemble(source, _chainTranslator.Translate(source, MainListener));

    private Chain Assemble(FilterChain source, ChainTemplate template)
    {
        var http = template.Http?.Invoke(
            template.Inline ?? (_routes.TryGetValue(template.RoutesName!, out var sent) ? sent.Table : RouteTable.Empty));
        return new Chain(source, template, http, [.. ClustersOf(http, template.Tcp).Select(slot => slot.Name).Distinct()]);
    }

    private static IEnumerable<ClusterSlot> ClustersOf(HttpChain? http, TcpChain? tcp)
    {
        var shares = tcp?.Clusters.Shares ?? [];
        foreach (var share in shares)
        {
            yield return share.Cluster;
        }

        foreach (var action in http?.Routes.Routes.Select(route => route.Action).OfType<ForwardAction>() ?? [])
        {
            foreach (var share in action.Clusters.Shares)
            {
                yield return share.Cluster;
            }

            foreach (var mirror in action.Mirrors)
            {
                yield return mirror.Cluster;
            }
        }
    }

    private sealed record Chain(FilterChain Source, ChainTemplate Template, HttpChain? Http, IReadOnlyList<string> Clusters);

    private sealed record Routes(RouteTable Table, IReadOnlyList<UnsupportedFeature> Unsupported);
}
