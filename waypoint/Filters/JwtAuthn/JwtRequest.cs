using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;
using Waypoint.Proxy.Forwarding;
using Waypoint.Proxy.Routing;

namespace Waypoint.Proxy.Filters.JwtAuthn;

/// <summary>One request whose tokens are looked at.</summary>
/// <param name="exchange">The request.</param>
/// <param name="now">In seconds since 1970.</param>
internal sealed class JwtRequest(Exchange exchange, long now)
{
    private const string Namespace = "envoy.filters.http.jwt_authn";

    public long Now => now;

    public List<FoundToken> Find(JwtLocations locations)
    {
        var found = new List<FoundToken>();
        locations.FindIn(RequestHead.From(exchange.Context, PathForm.AsReceived), found);
        return found;
    }

    /// <summary>Removes what only a verified token may put into a header.</summary>
    public void Sanitize(JwtProvider provider)
    {
        var headers = exchange.Context.Request.Headers;
        if (provider.PayloadHeader.Length > 0)
        {
            headers.Remove(provider.PayloadHeader);
        }

        foreach (var claim in provider.ClaimHeaders)
        {
            headers.Remove(claim.Header);
        }
    }

    /// <summary>Tells the backend and later filters of a good token.</summary>
    public void Accept(JwtProvider provider, FoundToken found, JsonWebToken token)
    {
        var headers = exchange.Context.Request.Headers;
        if (provider.PayloadHeader.Length > 0)
        {
            var payload = token.PayloadText;
            headers.Append(
                provider.PayloadHeader, provider.PadPayloadHeader ? payload.PadRight((payload.Length + 3) / 4 * 4, '=') : payload);
        }

        foreach (var (claim, header) in provider.ClaimHeaders)
        {
            if (JwtProvider.HeaderValue(token.Payload, claim) is { } value)
            {
                headers.Append(header, value);
            }
        }

        if (!provider.Forward)
        {
            Remove(found);
        }

        if (provider.HeaderMetadata.Length > 0)
        {
            exchange.Metadata.Set(Namespace, provider.HeaderMetadata, JsonObject.Create(token.Header));
        }

        if (provider.PayloadMetadata.Length > 0)
        {
            exchange.Metadata.Set(Namespace, provider.PayloadMetadata, Normalized(token, provider.ListClaims));
        }

        exchange.IsRouteStale |= provider.ClearsRoute && (provider.ClaimHeaders.Length > 0 || provider.PayloadMetadata.Length > 0);
    }

    public void Fail(JwtProvider provider, JwtStatus status)
    {
        if (provider.FailureMetadata.Length > 0)
        {
            exchange.Metadata.Set(
                Namespace,
                provider.FailureMetadata,
                new JsonObject
                {
                    ["code"] = ((int)status).ToString(System.Globalization.CultureInfo.InvariantCulture),
                    ["message"] = status.Text(),
                });
        }
    }

    private static JsonObject Normalized(JsonWebToken token, ImmutableArray<string> listClaims)
    {
        var payload = JsonObject.Create(token.Payload)!;
        foreach (var claim in listClaims)
        {
            if (token.Payload.Text(claim) is { } words)
            {
                payload[claim] = new JsonArray([.. words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => JsonValue.Create(word))]);
            }
        }

        return payload;
    }

    // Tokens in cookies stay, as Envoy leaves them.
    private void Remove(FoundToken found)
    {
        if (found.Header is not null)
        {
            exchange.Context.Request.Headers.Remove(found.Header);
        }

        if (found.Parameter is not null)
        {
            var feature = exchange.Context.Features.GetRequiredFeature<IHttpRequestFeature>();
            feature.RawTarget = QueryString.Remove(feature.RawTarget, found.Parameter);
        }
    }
}
