using Microsoft.Net.Http.Headers;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.Cors;

/// <summary>
/// Cross-origin resource sharing by the policy of the route: answers preflights itself and marks answers, a backend's and our own (Envoy's <c>envoy.filters.http.cors</c>).
/// As there, only routes to backends have a policy; redirects and fixed answers have none.
/// </summary>
/// <param name="name">The filter's name in its chain.</param>
/// <param name="random">Decides for which share of requests a policy is in force.</param>
internal sealed class CorsFilter(string name, Random random) : IHttpFilter
{
    private const string RequestPrivateNetwork = "access-control-request-private-network";
    private const string AllowPrivateNetwork = "access-control-allow-private-network";

    public ValueTask<bool> OnRequestAsync(Exchange exchange)
    {
        if (exchange.Route is not { Action: ForwardAction } route || route.FilterSettings.Find<CorsPolicy>(name) is not { } policy)
        {
            return new ValueTask<bool>(true);
        }

        var request = exchange.Context.Request;
        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0 || !policy.Enabled.Includes((ulong)random.NextInt64()))
        {
            return new ValueTask<bool>(true);
        }

        var isAllowed = policy.Allows(origin);
        if (isAllowed)
        {
            MarkAtStart(exchange.Context.Response, policy, origin);
        }

        var isPreflight = HttpMethods.IsOptions(request.Method) && request.Headers.AccessControlRequestMethod.ToString().Length > 0;
        return isPreflight && (isAllowed || !policy.ForwardsForeignPreflights)
            ? PermitAsync(exchange, policy)
            : new ValueTask<bool>(true);
    }

    // The origin, and with it the permission, is Mark's to add.
    private static async ValueTask<bool> PermitAsync(Exchange exchange, CorsPolicy policy)
    {
        var request = exchange.Context.Request.Headers;
        var response = exchange.Context.Response.Headers;
        SetCredentials(response, policy);
        Set(response, HeaderNames.AccessControlAllowMethods, policy.AllowMethods);
        Set(response, HeaderNames.AccessControlAllowHeaders, policy.AllowHeaders);
        Set(response, HeaderNames.AccessControlMaxAge, policy.MaxAge);
        if (policy.AllowPrivateNetwork && request[RequestPrivateNetwork] == "true")
        {
            response[AllowPrivateNetwork] = "true";
        }

        exchange.Details = "cors_response";
        await LocalReply.SendAsync(exchange, StatusCodes.Status200OK, ReadOnlyMemory<byte>.Empty).ConfigureAwait(false);
        return false;
    }

    // By itself, so that only requests that need one pay for a closure.
    private static void MarkAtStart(HttpResponse response, CorsPolicy policy, string origin) => response.OnStarting(() =>
    {
        Mark(response.Headers, policy, origin);
        return Task.CompletedTask;
    });

    private static void Mark(IHeaderDictionary headers, CorsPolicy policy, string origin)
    {
        headers.AccessControlAllowOrigin = origin;
        SetCredentials(headers, policy);
        Set(headers, HeaderNames.AccessControlExposeHeaders, policy.ExposeHeaders);
    }

    private static void SetCredentials(IHeaderDictionary headers, CorsPolicy policy)
    {
        if (policy.AllowCredentials)
        {
            headers.AccessControlAllowCredentials = "true";
        }
    }

    private static void Set(IHeaderDictionary headers, string name, string value)
    {
        if (value.Length > 0)
        {
            headers[name] = value;
        }
    }
}
