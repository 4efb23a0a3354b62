using Envoy.Config.Route.V3;
using Waypoint.Proxy.LoadBalancing;
using Waypoint.Proxy.Mesh;
using Waypoint.Proxy.Resilience;
using Waypoint.Proxy.Routing;
using DirectResponseAction = Waypoint.Proxy.Routing.DirectResponseAction;
using RedirectAction = Waypoint.Proxy.Routing.RedirectAction;
using RouteAction = Waypoint.Proxy.Routing.RouteAction;
using WeightedCluster = Waypoint.Proxy.Mesh.WeightedCluster;
using Wire = Envoy.Config.Route.V3;

namespace Waypoint.Proxy.Xds.Translation;

/// <summary>What routes do.</summary>
internal sealed class RouteActionTranslator(Func<string, ClusterSlot> cluster)
{
    // Envoy's default; istiod always sends its own.
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(15);

    /// <param name="route">The route.</param>
    /// <param name="hostRetries">What its virtual host says of retries, where it says nothing itself.</param>
    /// <param name="hostMirrors">What its virtual host, or the table, says of mirrors, where it says nothing itself.</param>
    /// <param name="scope">Where errors and findings go.</param>
    /// <exception cref="ResourceException">It cannot be used.</exception>
    public RouteAction Translate(
        Wire.Route route, Wire.RetryPolicy? hostRetries, IReadOnlyList<Wire.RouteAction.Types.RequestMirrorPolicy> hostMirrors, TranslationScope scope) => route.ActionCase switch
    {
        Wire.Route.ActionOneofCase.Route_ => Forward(route.Route_, route.Match, hostRetries, hostMirrors, scope),
        Wire.Route.ActionOneofCase.Redirect => Redirect(route.Redirect, route.Match, scope),
        Wire.Route.ActionOneofCase.DirectResponse => DirectResponse(route.DirectResponse, scope),
        _ => throw scope.Invalid("action", "missing, or not supported"),
    };

    private ForwardAction Forward(
        Wire.RouteAction action,
        Wire.RouteMatch match,
        Wire.RetryPolicy? hostRetries,
        IReadOnlyList<Wire.RouteAction.Types.RequestMirrorPolicy> hostMirrors,
        TranslationScope scope)
    {
        using var part = scope.Enter("route");
        scope.UnsupportedIf(action.MaxStreamDuration is not null, "max_stream_duration");
        scope.UnsupportedIf(action.HedgePolicy is not null, "hedge_policy");
        scope.UnsupportedIf(action.InternalRedirectPolicy is not null, "internal_redirect_policy");
        scope.UnsupportedIf(action.UpgradeConfigs.Count > 0, "upgrade_configs");
        scope.UnsupportedIf(action.MetadataMatch is not null, "metadata_match");
        scope.UnsupportedIf(action.PathRewritePolicy is not null, "path_rewrite_policy");
        scope.UnsupportedIf(action.Cors is not null, "cors");
        return new ForwardAction(Clusters(action, scope))
        {
            PathRewrite = Rewrite(action.PrefixRewrite, action.RegexRewrite, match, scope),
            HostRewrite = Host(action, scope),
            HostRewriteHeader = action.HostRewriteHeader is { Length: > 0 } header ? header : null,
            HostFollowsEndpoint = action.AutoHostRewrite ?? false,
            AppendsForwardedHost = action.AppendXForwardedHost,
            Timeout = action.Timeout.ToTime(DefaultTimeout, scope, "timeout"),
            IdleTimeout = action.IdleTimeout is { } idle ? idle.ToTime(TimeSpan.Zero, scope, "idle_timeout") : null,
            MaxGrpcTimeout = action.MaxGrpcTimeout is { } limit ? limit.ToTime(TimeSpan.Zero, scope, "max_grpc_timeout") : null,
            Retry = RetryTranslator.Translate(action.RetryPolicy ?? hostRetries, scope),
            HashPolicies = HashPolicyTranslator.Translate(action.HashPolicy, scope),
            Mirrors = [.. (action.RequestMirrorPolicies.Count > 0 ? action.RequestMirrorPolicies : hostMirrors).Select(mirror => Mirror(mirror, scope))],
            MissingClusterStatus = action.ClusterNotFoundResponseCode switch
            {
                Wire.RouteAction.Types.ClusterNotFoundResponseCode.NotFound => 404,
                Wire.RouteAction.Types.ClusterNotFoundResponseCode.InternalServerError => 500,
                _ => 503,
            },
        };
    }

    private WeightedClusters Clusters(Wire.RouteAction action, TranslationScope scope)
    {
        switch (action.ClusterSpecifierCase)
        {
            case Wire.RouteAction.ClusterSpecifierOneofCase.Cluster when action.Cluster.Length > 0:
                return new WeightedClusters([new WeightedCluster(cluster(action.Cluster), 1, HeaderMutations.None, HeaderMutations.None)]);
            case Wire.RouteAction.ClusterSpecifierOneofCase.WeightedClusters:
                return new WeightedClusters(action.WeightedClusters.Clusters.Select(share => Share(share, scope)));
            default:
                throw scope.Invalid("cluster_specifier", "missing, empty, or not supported");
        }
    }

    private WeightedCluster Share(Wire.WeightedCluster.Types.ClusterWeight share, TranslationScope scope)
    {
        if (share.Name.Length == 0)
        {
            throw scope.Invalid("weighted_clusters.clusters.name", "empty, or by header, which is not supported");
        }

        using var part = scope.Enter($"share '{share.Name}'");
        foreach (var filter in share.TypedPerFilterConfig.Keys)
        {
            scope.Unsupported(filter);
        }

        return new WeightedCluster(
            cluster(share.Name),
            share.Weight ?? 0,
            HeaderTranslator.Translate(share.RequestHeadersToRemove, share.RequestHeadersToAdd, scope, "request_headers_to_add"),
            HeaderTranslator.Translate(share.ResponseHeadersToRemove, share.ResponseHeadersToAdd, scope, "response_headers_to_add"))
        {
            HostRewrite = share.HostRewriteLiteral is { Length: > 0 } host ? host : null,
        };
    }

    private Mirror Mirror(Wire.RouteAction.Types.RequestMirrorPolicy mirror, TranslationScope scope)
    {
        if (mirror.Cluster.Length == 0)
        {
            throw scope.Invalid("request_mirror_policies.cluster", "empty, or by header, which is not supported");
        }

        var share = mirror.RuntimeFraction is null ? new Fraction(1, 1) : RouteMatchTranslator.Share(mirror.RuntimeFraction);
        return new Mirror(cluster(mirror.Cluster), share.Numerator, share.Denominator);
    }

    private static string? Host(Wire.RouteAction action, TranslationScope scope)
    {
        switch (action.HostRewriteSpecifierCase)
        {
            case Wire.RouteAction.HostRewriteSpecifierOneofCase.None:
            case Wire.RouteAction.HostRewriteSpecifierOneofCase.AutoHostRewrite:
            case Wire.RouteAction.HostRewriteSpecifierOneofCase.HostRewriteHeader:
                return null;
            case Wire.RouteAction.HostRewriteSpecifierOneofCase.HostRewriteLiteral:
                return action.HostRewriteLiteral;
            default:
                scope.Unsupported(action.HostRewriteSpecifierCase.ToString());
                return null;
        }
    }

    private static RedirectAction Redirect(Wire.RedirectAction redirect, Wire.RouteMatch match, TranslationScope scope)
    {
        using var part = scope.Enter("redirect");
        var path = redirect.PathRewriteSpecifierCase switch
        {
            Wire.RedirectAction.PathRewriteSpecifierOneofCase.PathRedirect => new ReplaceFullPath(redirect.PathRedirect),
            _ => Rewrite(redirect.PrefixRewrite, redirect.RegexRewrite, match, scope),
        };
        return new RedirectAction(redirect.ResponseCode switch
        {
            Wire.RedirectAction.Types.RedirectResponseCode.Found => 302,
            Wire.RedirectAction.Types.RedirectResponseCode.SeeOther => 303,
            Wire.RedirectAction.Types.RedirectResponseCode.TemporaryRedirect => 307,
            Wire.RedirectAction.Types.RedirectResponseCode.PermanentRedirect => 308,
            _ => 301,
        })
        {
            Scheme = redirect.HttpsRedirect ? "https" : redirect.SchemeRedirect is { Length: > 0 } scheme ? scheme : null,
            Host = redirect.HostRedirect is { Length: > 0 } host ? host : null,
            Port = redirect.PortRedirect == 0 ? null : (int)redirect.PortRedirect,
            PathRewrite = path,
            StripQuery = redirect.StripQuery,
        };
    }

    private static DirectResponseAction DirectResponse(Wire.DirectResponseAction response, TranslationScope scope)
    {
        using var part = scope.Enter("direct_response");
        if (response.Status is < 200 or > 599)
        {
            throw scope.Invalid("status", $"{response.Status} is not a status from 200 to 599");
        }

        return new DirectResponseAction((int)response.Status, response.Body?.SpecifierCase switch
        {
            null or Envoy.Config.Core.V3.DataSource.SpecifierOneofCase.None => default,
            Envoy.Config.Core.V3.DataSource.SpecifierOneofCase.InlineBytes => response.Body.InlineBytes.Memory,
            Envoy.Config.Core.V3.DataSource.SpecifierOneofCase.InlineString => System.Text.Encoding.UTF8.GetBytes(response.Body.InlineString),
            _ => throw scope.Invalid("body", "only inline bodies are supported"),
        });
    }

    private static PathRewrite? Rewrite(string prefix, Envoy.Type.Matcher.V3.RegexMatchAndSubstitute? regex, Wire.RouteMatch match, TranslationScope scope)
    {
        if (regex is not null)
        {
            var pattern = regex.Pattern?.Regex ?? "";

            // istiod's way to say: the whole path.
            return pattern == "/.*" && !regex.Substitution.Contains('\\')
                ? new ReplaceFullPath(regex.Substitution)
                : new ReplaceRegex(StringTranslator.Search(pattern, scope, "regex_rewrite.pattern"), regex.Substitution);
        }

        if (prefix.Length == 0)
        {
            return null;
        }

        return match.PathSpecifierCase switch
        {
            Wire.RouteMatch.PathSpecifierOneofCase.Prefix => new ReplacePrefix(match.Prefix, prefix),
            Wire.RouteMatch.PathSpecifierOneofCase.PathSeparatedPrefix => new ReplacePrefix(match.PathSeparatedPrefix, prefix),

            // What an exact path or an expression matches is the whole path.
            _ => new ReplaceFullPath(prefix),
        };
    }
}
