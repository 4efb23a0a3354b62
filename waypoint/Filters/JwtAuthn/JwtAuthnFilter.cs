using System.Collections.Immutable;
using System.Text;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.JwtAuthn;

/// <param name="Match">Which requests it is for.</param>
/// <param name="Requirement">Null: nothing is required of them.</param>
internal sealed record JwtRule(RouteMatch Match, JwtRequirement? Requirement);

/// <summary>What a route says: a requirement in place of those of the rules, or none at all.</summary>
internal sealed record JwtRouteSettings(string? RequirementName);

/// <summary>Verifies the tokens of requests and tells later filters what they say.</summary>
internal sealed class JwtAuthnFilter(string name, JwtAuthnSettings settings, TimeProvider time) : IHttpFilter
{
    private const int MaxRealmPath = 256;

    public ValueTask<bool> OnRequestAsync(Exchange exchange)
    {
        var headers = exchange.Context.Request.Headers;
        if (settings.BypassCorsPreflight
            && HttpMethods.IsOptions(exchange.Context.Request.Method)
            && !string.IsNullOrEmpty(headers.Origin)
            && !string.IsNullOrEmpty(headers.AccessControlRequestMethod))
        {
            return new ValueTask<bool>(true);
        }

        exchange.IsPathJudged = true;
        if (exchange.Route?.FilterSettings.Find<JwtRouteSettings>(name) is not { } route)
        {
            return CheckAsync(exchange, Rule(exchange));
        }

        if (route.RequirementName is not { } required)
        {
            return new ValueTask<bool>(true);
        }

        return settings.Requirements.TryGetValue(required, out var requirement)
            ? CheckAsync(exchange, requirement)
            : RefuseAsync(
                exchange,
                StatusCodes.Status403Forbidden,
                $"Failed JWT authentication: Wrong requirement_name: {required}. It should be one of [{string.Join(',', settings.Requirements.Keys)}]");
    }

    private JwtRequirement? Rule(Exchange exchange)
    {
        var head = exchange.MatchedHead();
        foreach (var rule in settings.Rules)
        {
            if (rule.Match.Matches(head))
            {
                return rule.Requirement;
            }
        }

        return null;
    }

    private async ValueTask<bool> CheckAsync(Exchange exchange, JwtRequirement? requirement)
    {
        if (requirement is null)
        {
            return true;
        }

        var realm = Realm(exchange);
        var request = new JwtRequest(exchange, time.GetUtcNow().ToUnixTimeSeconds());
        foreach (var provider in requirement.Providers)
        {
            request.Sanitize(provider);
        }

        var status = await requirement.CheckAsync(request).ConfigureAwait(false);
        if (status == JwtStatus.Ok)
        {
            return true;
        }

        var code = status == JwtStatus.AudienceNotAllowed ? StatusCodes.Status403Forbidden : StatusCodes.Status401Unauthorized;
        return await RefuseAsync(exchange, code, status.Text(), $"Bearer realm=\"{realm}\"{(status == JwtStatus.Missed ? "" : ", error=\"invalid_token\"")}")
            .ConfigureAwait(false);
    }

    private async ValueTask<bool> RefuseAsync(Exchange exchange, int code, string reason, string? challenge = null)
    {
        var response = exchange.Context.Response;
        response.Clear();
        exchange.Details = $"jwt_authn_access_denied{{{reason.Replace(' ', '_')}}}";
        if (challenge is not null && !settings.StripFailureResponse)
        {
            response.Headers.WWWAuthenticate = challenge;
        }

        await LocalReply.SendAsync(exchange, code, settings.StripFailureResponse ? default : Encoding.UTF8.GetBytes(reason)).ConfigureAwait(false);
        return false;
    }

    // As received; what would end the quoted string or the line is escaped.
    private static string Realm(Exchange exchange)
    {
        var head = RequestHead.From(exchange.Context, PathForm.AsReceived);
        var path = head.Target.Length > MaxRealmPath ? head.Target[..MaxRealmPath] : head.Target;
        var realm = new StringBuilder();
        foreach (var c in string.Concat(head.Scheme, "://", head.Authority, path))
        {
            _ = c is > ' ' and < '\x7F' and not ('"' or '\\') ? realm.Append(c) : realm.Append('%').Append(((int)c).ToString("X2", null));
        }

        return realm.ToString();
    }
}

/// <param name="Rules">The first that matches counts; a request that none matches needs no token.</param>
/// <param name="Requirements">Those that routes may name.</param>
/// <param name="BypassCorsPreflight">Preflight requests, which carry no credentials, pass.</param>
/// <param name="StripFailureResponse">Clients are not told why a token failed.</param>
internal sealed record JwtAuthnSettings(
    ImmutableArray<JwtRule> Rules, ImmutableSortedDictionary<string, JwtRequirement?> Requirements, bool BypassCorsPreflight, bool StripFailureResponse);
