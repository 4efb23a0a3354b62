using System.Globalization;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Waypoint.Proxy.Forwarding;

/// <summary>Copies headers between client and backend, byte for byte but for what belongs to one connection only.</summary>
internal static class UpstreamHeaders
{
    /// <summary>Copies the request's headers.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="request">Gets everything but what the client library keeps with the content.</param>
    /// <param name="content">Gets that; an empty one is made for it when there is none.</param>
    public static void CopyRequest(Exchange exchange, HttpRequestMessage request, ref HttpContent? content)
    {
        var headers = exchange.Context.Request.Headers;
        var target = request.Headers;
        foreach (var (name, values) in headers)
        {
            if (!MayPass(name))
            {
                continue;
            }

            if (!TryAdd(target, name, values))
            {
                content ??= new ByteArrayContent([]);
                content.Headers.Remove(name);
                TryAdd(content.Headers, name, values);
            }
        }

        if (AcceptsTrailers(headers.TE))
        {
            target.TryAddWithoutValidation(HeaderNames.TE, "trailers");
        }

        if (exchange.Timeout > TimeSpan.Zero)
        {
            var milliseconds = ((long)exchange.Timeout.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
            target.TryAddWithoutValidation(EnvoyHeaders.ExpectedTimeout, milliseconds);
        }

        if (!headers.ContainsKey(EnvoyHeaders.ForwardedProto))
        {
            target.TryAddWithoutValidation(EnvoyHeaders.ForwardedProto, exchange.Context.Request.Scheme);
        }
    }

    /// <summary>Copies the head of an answer.</summary>
    public static void CopyResponse(HttpResponseMessage response, Exchange exchange)
    {
        var target = exchange.Context.Response.Headers;
        StringValues connection = default;
        if (response.Headers.NonValidated.TryGetValues(HeaderNames.Connection, out var lines))
        {
            connection = ToStringValues(lines);
        }

        var nominates = HopByHopHeaders.NominatesAny(connection);

        // HTTP/1 clients get no trailers (Kestrel cannot send them), so they get no announcement of trailers either.
        var announceTrailers = exchange.IsHttp2;
        Copy(response.Headers, target, connection, nominates, announceTrailers);
        Copy(response.Content.Headers, target, connection, nominates, announceTrailers);
    }

    /// <summary>Copies trailers where the client's protocol can take them. What RFC 9110 section 6.5.1 forbids in trailers is left out.</summary>
    public static void CopyTrailers(HttpResponseMessage response, HttpContext context)
    {
        if (context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers is not { IsReadOnly: false } target)
        {
            return;
        }

        foreach (var (name, values) in response.TrailingHeaders.NonValidated)
        {
            if (MayPass(name) && !name.Equals(HeaderNames.Host, StringComparison.OrdinalIgnoreCase))
            {
                target[name] = ToStringValues(values);
            }
        }
    }

    private static void Copy(
        System.Net.Http.Headers.HttpHeaders source,
        IHeaderDictionary target,
        StringValues connection,
        bool nominates,
        bool announceTrailers)
    {
        foreach (var (name, values) in source.NonValidated)
        {
            if (HopByHopHeaders.Contains(name))
            {
                if (announceTrailers && name.Equals(HeaderNames.Trailer, StringComparison.OrdinalIgnoreCase))
                {
                    target[name] = ToStringValues(values);
                }

                continue;
            }

            if (!nominates || !HopByHopHeaders.IsNominated(connection, name))
            {
                target[name] = ToStringValues(values);
            }
        }
    }

    // Content-Length is not copied but set, with the content.
    private static bool MayPass(string name) =>
        name[0] != ':'
        && !HopByHopHeaders.Contains(name)
        && !EnvoyHeaders.IsCommand(name)
        && !name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase);

    private static bool AcceptsTrailers(StringValues te) => te.Count > 0 && HopByHopHeaders.IsNominated(te, "trailers");

    private static bool TryAdd(System.Net.Http.Headers.HttpHeaders target, string name, StringValues values) =>
        values.Count == 1
            ? target.TryAddWithoutValidation(name, values[0])
            : target.TryAddWithoutValidation(name, (IEnumerable<string?>)values);

    private static StringValues ToStringValues(HeaderStringValues values)
    {
        if (values.Count <= 1)
        {
            return values.ToString();
        }

        var lines = new string[values.Count];
        var i = 0;
        foreach (var value in values)
        {
            lines[i++] = value;
        }

        return lines;
    }
}
