using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;
using Envoy.Type.V3;
using Google.Protobuf.WellKnownTypes;
using Waypoint.GatewayApi.Inventory;
using Waypoint.GatewayApi.Model;
using Waypoint.GatewayApi.Validation;
using EnvoyRoute = Envoy.Config.Route.V3.Route;

namespace Waypoint.GatewayApi.Translation;

/// <summary>The port that routes are translated for, and what they turn out to need.</summary>
internal sealed class ChainContext(Service service, ServicePort port, NamespacedName waypoint, string hostname)
{
    public Service Service { get; } = service;

    public ServicePort Port { get; } = port;

    public NamespacedName Waypoint { get; } = waypoint;

    public string Hostname { get; } = hostname;

    /// <summary>Services that the routes lead to and that are not behind this waypoint: it needs clusters for them.</summary>
    public SortedSet<NamespacedName> OutsideServices { get; } = [];
}

/// <summary>HTTPRoutes and GRPCRoutes as Envoy routes, in the order in which Envoy is to try them.</summary>
internal sealed class RouteTranslation(BackendResolver backends, WaypointBinding binding, MeshSettings mesh)
{
    private const uint Million = 1_000_000;

    public IEnumerable<EnvoyRoute> Translate(IReadOnlyList<RequestRoute> routes, ChainContext chain)
    {
        List<OrderedMatch> matches = [];
        for (int route = 0; route < routes.Count; route++)
        {
            bool grpc = routes[route].Kind == ObjectKind.GRPCRoute;
            for (int rule = 0; rule < routes[route].Rules.Length; rule++)
            {
                var written = routes[route].Rules[rule].Matches;
                for (int position = 0; position < written.Length; position++)
                {
                    matches.Add(new OrderedMatch(MatchTranslation.Translate(written[position], grpc), route, rule, position));
                }
            }
        }

        matches.Sort(RoutePrecedence.Instance);
        foreach (OrderedMatch match in matches)
        {
            yield return Translate(routes[match.Route], match.Rule, match.Match, chain);
        }
    }

    /// <summary>What a service without routes does with every request.</summary>
    public static EnvoyRoute Default(string cluster, string hostname, int port) => new()
    {
        Name = "default",
        Match = new Envoy.Config.Route.V3.RouteMatch { Prefix = "/" },
        Decorator = new Decorator { Operation = $"{hostname}:{port}/*" },
        Route_ = new RouteAction
        {
            Cluster = cluster,
            Timeout = ProtoValues.Zero,
            MaxGrpcTimeout = ProtoValues.Zero,
            RetryPolicy = RetryTranslation.Default(),
        },
    };

    /// <summary>The cluster behind a reference; one that leads nowhere gets a name that no cluster has.</summary>
    public string Cluster(ResolvedBackend resolved, BackendRef backend, ChainContext chain)
    {
        if (resolved.Problem is BackendProblem.InvalidKind or BackendProblem.RefNotPermitted)
        {
            return ResourceNames.UnknownService;
        }

        string hostname = ResourceNames.Hostname(backend.Id, mesh);
        if (resolved.Port is not { } port)
        {
            return ResourceNames.Inbound(backend.Port ?? 0, true, hostname);
        }

        if (binding.Of(resolved.Service!) == chain.Waypoint)
        {
            return ResourceNames.Inbound(port.Port, PortProtocols.Of(port).MayBeHttp(), hostname);
        }

        chain.OutsideServices.Add(backend.Id);
        return ResourceNames.Outbound(port.Port, hostname);
    }

    private EnvoyRoute Translate(RequestRoute route, int index, TranslatedMatch match, ChainContext chain)
    {
        RouteRule rule = route.Rules[index];
        EnvoyRoute translated = new()
        {
            Name = rule.Name ?? $"{route.Namespace}.{route.Name}.{index}",
            Match = match.Match,
            Metadata = ProtoValues.Metadata("istio", "config", Value.ForString(ConfigPath(route))),
            Decorator = new Decorator { Operation = $"{chain.Hostname}:{chain.Port.Port}{MatchTranslation.Operation(match)}" },
        };
        string? host = AddHeaders(rule, translated);
        if (RuleSupport.Problem(rule) is not null)
        {
            translated.DirectResponse = Fail();
        }
        else if (rule.Filters.OfType<RequestRedirect>().FirstOrDefault() is { } redirect)
        {
            translated.Redirect = PathTranslation.Redirect(redirect, match, chain.Port.Port);
        }
        else
        {
            List<BackendRef> weighted = [.. rule.BackendRefs.Where(backend => backend.Weight > 0)];
            if (weighted.Count == 0)
            {
                translated.DirectResponse = Fail();
            }
            else
            {
                translated.Route_ = Forward(route, rule, match, weighted, host, chain, translated);
            }
        }

        return translated;
    }

    private RouteAction Forward(
        RequestRoute route,
        RouteRule rule,
        TranslatedMatch match,
        List<BackendRef> weighted,
        string? host,
        ChainContext chain,
        EnvoyRoute translated)
    {
        TimeSpan timeout = RetryTranslation.Timeout(rule);
        RouteAction action = new()
        {
            ClusterNotFoundResponseCode = RouteAction.Types.ClusterNotFoundResponseCode.InternalServerError,
            Timeout = timeout.ToDuration(),
            MaxGrpcTimeout = timeout.ToDuration(),
            RetryPolicy = RetryTranslation.Translate(rule),
        };
        if (host is not null)
        {
            action.HostRewriteLiteral = host;
        }

        if (weighted.Count == 1)
        {
            BackendRef backend = weighted[0];
            action.Cluster = Cluster(backends.Resolve(route, backend), backend, chain);
            foreach (RouteFilter filter in backend.Filters)
            {
                if (ApplyHeaders(filter, translated.RequestHeadersToAdd, translated.RequestHeadersToRemove, translated.ResponseHeadersToAdd, translated.ResponseHeadersToRemove) is { } own)
                {
                    action.HostRewriteLiteral = own;
                }
            }

            if (backends.Resolve(route, backend).Port is not null)
            {
                translated.Decorator.Operation = $"{ResourceNames.Hostname(backend.Id, mesh)}:{backend.Port}{MatchTranslation.Operation(match)}";
            }
        }
        else
        {
            action.WeightedClusters = new WeightedCluster();
            action.WeightedClusters.Clusters.Add(weighted.Select(backend => Share(route, backend, chain)));
        }

        if (rule.Filters.OfType<UrlRewrite>().FirstOrDefault() is { } rewrite)
        {
            PathTranslation.Rewrite(rewrite, match, action);
        }

        foreach (RequestMirror mirror in rule.Filters.OfType<RequestMirror>())
        {
            if (Mirror(route, mirror, chain) is { } policy)
            {
                action.RequestMirrorPolicies.Add(policy);
            }
        }

        return action;
    }

    private WeightedCluster.Types.ClusterWeight Share(RequestRoute route, BackendRef backend, ChainContext chain)
    {
        WeightedCluster.Types.ClusterWeight share = new()
        {
            Name = Cluster(backends.Resolve(route, backend), backend, chain),
            Weight = (uint)backend.Weight,
        };
        foreach (RouteFilter filter in backend.Filters)
        {
            if (ApplyHeaders(filter, share.RequestHeadersToAdd, share.RequestHeadersToRemove, share.ResponseHeadersToAdd, share.ResponseHeadersToRemove) is { } host)
            {
                share.HostRewriteLiteral = host;
            }
        }

        return share;
    }

    /// <summary>A mirror that leads nowhere is left out: the answer of the request itself does not depend on it.</summary>
    private RouteAction.Types.RequestMirrorPolicy? Mirror(RequestRoute route, RequestMirror mirror, ChainContext chain)
    {
        ResolvedBackend resolved = backends.Resolve(route, mirror.Backend);
        if (resolved.Problem != BackendProblem.None || mirror.Numerator == 0)
        {
            return null;
        }

        FractionalPercent share = mirror.Numerator == mirror.Denominator
            ? new FractionalPercent { Numerator = 100 }
            : new FractionalPercent
            {
                Numerator = (uint)((ulong)mirror.Numerator * Million / (ulong)mirror.Denominator),
                Denominator = FractionalPercent.Types.DenominatorType.Million,
            };
        return new RouteAction.Types.RequestMirrorPolicy
        {
            Cluster = Cluster(resolved, mirror.Backend, chain),
            RuntimeFraction = new RuntimeFractionalPercent { DefaultValue = share },
            TraceSampled = false,
            // The API says that a mirrored request keeps its host; Envoy would append "-shadow".
            DisableShadowHostSuffixAppend = true,
        };
    }

    private static string? AddHeaders(RouteRule rule, EnvoyRoute route)
    {
        string? host = null;
        foreach (RouteFilter filter in rule.Filters)
        {
            host = ApplyHeaders(filter, route.RequestHeadersToAdd, route.RequestHeadersToRemove, route.ResponseHeadersToAdd, route.ResponseHeadersToRemove) ?? host;
        }

        return host;
    }

    private static string? ApplyHeaders(
        RouteFilter filter,
        Google.Protobuf.Collections.RepeatedField<HeaderValueOption> requestAdd,
        Google.Protobuf.Collections.RepeatedField<string> requestRemove,
        Google.Protobuf.Collections.RepeatedField<HeaderValueOption> responseAdd,
        Google.Protobuf.Collections.RepeatedField<string> responseRemove)
    {
        switch (filter)
        {
            case RequestHeaderModifier request:
                return HeaderTranslation.Apply(request.Set, request.Add, request.Remove, requestAdd, requestRemove);
            case ResponseHeaderModifier response:
                HeaderTranslation.Apply(response.Set, response.Add, response.Remove, responseAdd, responseRemove);
                return null;
            default:
                return null;
        }
    }

    private static DirectResponseAction Fail() => new() { Status = 500 };

    private static string ConfigPath(RequestRoute route)
    {
        string plural = route.Kind == ObjectKind.GRPCRoute ? "grpcroutes" : "httproutes";
        return $"/apis/{WellKnown.GatewayGroup}/v1/namespaces/{route.Namespace}/{plural}/{route.Name}";
    }
}
