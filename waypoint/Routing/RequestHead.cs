using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Waypoint.Proxy.Routing;

/// <summary>
/// What a route can look at: a view over the request as it was received, without a copy of it.
/// </summary>
internal readonly ref struct RequestHead
{
    private RequestHead(ReadOnlySpan<char> method, ReadOnlySpan<char> authority, ReadOnlySpan<char> target, IHeaderDictionary headers)
    {
        Method = method;
        Authority = authority;
        Target = target;
        Headers = headers;
    }

    public ReadOnlySpan<char> Method { get; }

    /// <summary><c>:authority</c> or <c>Host</c>, port included.</summary>
    public ReadOnlySpan<char> Authority { get; }

    /// <summary>The request target in origin form as received, query included.</summary>
    public ReadOnlySpan<char> Target { get; }

    /// <summary>The path as received, without the query.</summary>
    public ReadOnlySpan<char> RawPath { get; private init; }

    /// <summary>The path that routes are matched against: <see cref="RawPath"/> in the form that the chain asks for.</summary>
    public ReadOnlySpan<char> Path { get; private init; }

    /// <summary>What follows the first <c>?</c>, as received; empty when there is none.</summary>
    public ReadOnlySpan<char> Query { get; private init; }

    public ReadOnlySpan<char> Scheme { get; init; } = "http";

    public IHeaderDictionary Headers { get; }

    /// <summary>One random number a request, so that a request is on the same side of every equal fraction (as Envoy does).</summary>
    public ulong RandomValue { get; init; }

    /// <param name="method">As received.</param>
    /// <param name="authority"><c>:authority</c> or <c>Host</c>.</param>
    /// <param name="target">As received: origin form (<c>/a?b</c>), absolute form (<c>http://host/a?b</c>) or <c>*</c>.</param>
    /// <param name="headers">The header fields.</param>
    /// <param name="form">The form of <see cref="Path"/>. Allocates only for a path that has another.</param>
    public static RequestHead Create(
        ReadOnlySpan<char> method,
        ReadOnlySpan<char> authority,
        ReadOnlySpan<char> target,
        IHeaderDictionary headers,
        PathForm form)
    {
        target = OriginForm(target);
        var question = target.IndexOf('?');
        var rawPath = question < 0 ? target : target[..question];
        return new RequestHead(method, authority, target, headers)
        {
            RawPath = rawPath,
            Path = PathNormalization.Normalize(rawPath, form),
            Query = question < 0 ? default : target[(question + 1)..],
        };
    }

    public static RequestHead From(HttpContext context, PathForm form)
    {
        var feature = context.Features.GetRequiredFeature<IHttpRequestFeature>();
        var head = Create(feature.Method, feature.Headers.Host.ToString(), feature.RawTarget, feature.Headers, form);
        return head with { Scheme = feature.Scheme, RandomValue = (ulong)Random.Shared.NextInt64() };
    }

    /// <summary>The request as if its target had come with the path in the form that routes are matched against.</summary>
    public RequestHead InMatchedForm()
    {
        if (Path == RawPath)
        {
            return this;
        }

        var target = RawPath.Length == Target.Length ? Path : string.Concat(Path, "?", Query);
        return Create(Method, Authority, target, Headers, PathForm.AsReceived) with { Scheme = Scheme, RandomValue = RandomValue };
    }

    // RFC 9112 §3.2.2: a server must accept the absolute form; the authority in it was taken by the parser already.
    private static ReadOnlySpan<char> OriginForm(ReadOnlySpan<char> target)
    {
        if (target.IsEmpty || target[0] is '/' or '*')
        {
            return target;
        }

        var scheme = target.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
        {
            return target;
        }

        var rest = target[(scheme + 3)..];
        var path = rest.IndexOfAny('/', '?');
        return path < 0 ? "/" : rest[path] == '?' ? string.Concat("/", rest[path..]) : rest[path..];
    }
}
