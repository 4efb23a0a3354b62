using System.Text.RegularExpressions;
using Envoy.Config.Route.V3;
using Envoy.Type.Matcher.V3;
using Waypoint.GatewayApi.Model;

namespace Waypoint.GatewayApi.Translation;

/// <summary>Redirects and rewrites.</summary>
internal static class PathTranslation
{
    public static RedirectAction Redirect(RequestRedirect redirect, TranslatedMatch match, int listenerPort)
    {
        RedirectAction action = new()
        {
            HostRedirect = redirect.Hostname ?? "",
            PortRedirect = (uint)RedirectPort(redirect, listenerPort),
            ResponseCode = redirect.StatusCode switch
            {
                301 => RedirectAction.Types.RedirectResponseCode.MovedPermanently,
                303 => RedirectAction.Types.RedirectResponseCode.SeeOther,
                307 => RedirectAction.Types.RedirectResponseCode.TemporaryRedirect,
                308 => RedirectAction.Types.RedirectResponseCode.PermanentRedirect,
                _ => RedirectAction.Types.RedirectResponseCode.Found,
            },
        };
        if (redirect.Scheme is { } scheme)
        {
            action.SchemeRedirect = scheme;
        }

        switch (Change(redirect.Path, match))
        {
            case { Regex: { } pattern } change:
                action.RegexRewrite = Substitute(pattern, change.Value);
                break;
            case { Full: true } change:
                action.PathRedirect = change.Value;
                break;
            case { } change:
                action.PrefixRewrite = change.Value;
                break;
            default:
                action.PathRedirect = "";
                break;
        }

        return action;
    }

    public static void Rewrite(UrlRewrite rewrite, TranslatedMatch match, RouteAction action)
    {
        if (rewrite.Hostname is { } hostname)
        {
            action.HostRewriteLiteral = hostname;
        }

        switch (Change(rewrite.Path, match))
        {
            case { Regex: { } pattern } change:
                action.RegexRewrite = Substitute(pattern, change.Value);
                break;
            case { Full: true } change:
                action.RegexRewrite = Substitute("/.*", Literal(change.Value));
                break;
            case { } change:
                action.PrefixRewrite = change.Value;
                break;
        }
    }

    private sealed record PathChange(bool Full, string? Regex, string Value);

    /// <summary>
    /// Envoy cuts the prefix off and puts the new text in its place, character by character; the API means path elements. Where the two
    /// differ (the old or the new prefix is the root) an expression takes the place.
    /// </summary>
    private static PathChange? Change(PathModifier? path, TranslatedMatch match)
    {
        if (path is null)
        {
            return null;
        }

        if (!path.Prefix)
        {
            return new PathChange(true, null, path.Value.StartsWith('/') ? path.Value : "/" + path.Value);
        }

        string value = path.Value.Trim('/');
        if (match.Path == "/")
        {
            return value.Length == 0 ? null : new PathChange(false, "^/(.*)", $"/{Literal(value)}/\\1");
        }

        return value.Length == 0
            ? new PathChange(false, $"^{Regex.Escape(match.Path)}(/?)(.*)", "/\\2")
            : new PathChange(false, null, "/" + path.Value.TrimStart('/').TrimEnd('/'));
    }

    /// <summary>The well-known port of the scheme is left out; without a port and a scheme the client's own port stays.</summary>
    private static int RedirectPort(RequestRedirect redirect, int listenerPort)
    {
        int port = redirect.Port ?? (redirect.Scheme is null ? listenerPort : 0);
        return (port, redirect.Scheme ?? "http") is (80, "http") or (443, "https") ? 0 : port;
    }

    private static RegexMatchAndSubstitute Substitute(string pattern, string substitution) => new()
    {
        Pattern = new RegexMatcher { Regex = pattern },
        Substitution = substitution,
    };

    private static string Literal(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal);
}
